/**
 * Compiles a decoder's C sources to WebAssembly, the same bytes each time. It needs zig as a
 * C compiler, `pip install ziglang==0.17.1`, and the client of the registry that has its sources.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { downloadSimde, downloadSource, missingClient, type Source } from './sources.ts';

const run = promisify(execFile);

const zigVersion = '0.17.1';
const zig = ['-m', 'ziglang'] as const;

const target = [
  ...['-target', 'wasm32-wasi'],
  '-mcpu=baseline+simd128+bulk_memory+nontrapping_fptoint+sign_ext',
];

/** Under other processors' names; numbers of 16 bits with a point, clang has not for WebAssembly. */
const simdeFlags = ['-DSIMDE_ENABLE_NATIVE_ALIASES', '-DSIMDE_FLOAT16_API=1'];

export interface DecoderBuild {
  readonly source: Source;
  /** The library's folder in the source. */
  readonly folder: string;
  /** Sources in that folder, each with flags of its own. */
  readonly units: readonly (readonly [path: string, ...flags: string[]])[];
  /** Ours, in `decoders/`. */
  readonly ownSources: readonly string[];
  readonly flags: readonly string[];
  /** Folders of headers in the library's. */
  readonly includes: readonly string[];
  /** Headers that the library's own build would write, by their paths. */
  readonly headers: (library: string) => Promise<Readonly<Record<string, string>>>;
  readonly usesSimde?: boolean;
  readonly stackBytes: number;
  /** What the memory of the program may grow to. */
  readonly maxMemoryBytes: number;
}

/** @returns what is missing to build, as a sentence; undefined when all is there */
export async function missingTool({ source }: DecoderBuild): Promise<string | undefined> {
  const found = await run('python3', [...zig, 'version']).catch(() => ({ stdout: '' }));
  if (found.stdout.trim() !== zigVersion) {
    return `Building a decoder needs zig: pip install ziglang==${zigVersion}`;
  }
  return missingClient(source);
}

/** @throws Error for sources that are not those of the build, or that do not compile */
export async function compileDecoder(build: DecoderBuild): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'graft-decoder-'));
  try {
    const library = join(await downloadSource(build.source, scratch), build.folder);
    const written = join(scratch, 'include');
    for (const [path, text] of Object.entries(await build.headers(library))) {
      await mkdir(join(written, path, '..'), { recursive: true });
      await writeFile(join(written, path), text);
    }
    const includes = [written, ...build.includes.map((path) => join(library, path))];
    if (build.usesSimde) includes.push(await downloadSimde(scratch));
    const flags = [
      ...target,
      ...['-DNDEBUG', '-fno-stack-protector', '-w'],
      ...['-ffunction-sections', '-fdata-sections', '-fvisibility=hidden'],
      ...(build.usesSimde ? simdeFlags : []),
      ...build.flags,
      ...includes.map((path) => `-I${path}`),
    ];
    const own = build.ownSources.map((path) => [fileURLToPath(new URL(path, import.meta.url))]);
    const units = [...own, ...build.units.map(([path, ...more]) => [join(library, path), ...more])];
    const objects = units.map(([source], i) => join(scratch, `${i}-${basename(source ?? '')}.o`));
    const pending = units.entries();
    const compile = async (): Promise<void> => {
      for (const [i, unit] of pending) await cc([...flags, ...unit, '-c', '-o', objects[i] ?? '']);
    };
    await Promise.all(Array.from({ length: availableParallelism() }, compile));
    const output = join(scratch, 'decoder.wasm');
    await cc([
      ...target,
      ...['-mexec-model=reactor', '-Wl,--gc-sections', '-Wl,--strip-all'],
      `-Wl,-z,stack-size=${build.stackBytes}`,
      `-Wl,--max-memory=${build.maxMemoryBytes}`,
      ...[...objects, '-o', output],
    ]);
    return await readFile(output);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** What a `build.ts` does when it is run. */
export async function writeDecoder(build: DecoderBuild, file: URL): Promise<void> {
  const missing = await missingTool(build);
  if (missing) throw new Error(missing);
  await writeFile(file, await compileDecoder(build));
}

function cc(args: readonly string[]): Promise<unknown> {
  return run('python3', [...zig, 'cc', ...args]);
}
