/**
 * Compiles dav1d, the AV1 decoder, to dav1d.wasm: `pnpm --filter shared build:decoders`. It needs cargo, for
 * dav1d's sources are in a crate, and zig as a C compiler: `pip install ziglang==0.17.1`.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const crate = {
  name: 'libdav1d-sys',
  version: '0.7.1',
  sha256: '3d875e9669d116a603412a126de599b7bf47789a365b79fcf461fbf9c18d141f',
};
const zigVersion = '0.17.1';

const zig = ['-m', 'ziglang'] as const;

const target = [
  ...['-target', 'wasm32-wasi'],
  '-mcpu=baseline+simd128+bulk_memory+nontrapping_fptoint+sign_ext',
];

/** In `src/`. The others are for programs, other processors, or to be included. */
const sources = [
  ...['cdf', 'cpu', 'data', 'decode', 'dequant_tables', 'getbits', 'intra_edge', 'itx_1d'],
  ...['lf_mask', 'lib', 'log', 'mem', 'msac', 'obu', 'pal', 'picture', 'qm', 'ref', 'refmvs'],
  ...['scan', 'tables', 'thread_task', 'warpmv', 'wedge'],
];

/** To be compiled once for 8 bits a sample and once for 10 and 12. */
const templates = [
  ...['cdef_apply', 'cdef', 'fg_apply', 'filmgrain', 'ipred_prepare', 'ipred', 'itx', 'lf_apply'],
  ...['loopfilter', 'looprestoration', 'lr_apply', 'mc', 'recon'],
];

/** What dav1d's own build would find out: C alone, no log, one processor that is none of these. */
const config = {
  ...{ CONFIG_8BPC: 1, CONFIG_16BPC: 1, CONFIG_LOG: 0, CONFIG_MACOS_KPERF: 0 },
  ...{ HAVE_ASM: 0, HAVE_C11_GENERIC: 1, HAVE_POSIX_MEMALIGN: 1, HAVE_UNISTD_H: 1 },
  ...{ ARCH_AARCH64: 0, ARCH_ARM: 0, ARCH_X86: 0, ARCH_X86_32: 0, ARCH_X86_64: 0 },
  ...{ ARCH_LOONGARCH: 0, ARCH_LOONGARCH32: 0, ARCH_LOONGARCH64: 0, ARCH_PPC64LE: 0 },
  ...{ ARCH_RISCV: 0, ARCH_RV32: 0, ARCH_RV64: 0, ENDIANNESS_BIG: 0, TRIM_DSP_FUNCTIONS: 0 },
};

/** @returns what is missing to build, as a sentence; undefined when all is there */
export async function missingTool(): Promise<string | undefined> {
  const found = await run('python3', [...zig, 'version']).catch(() => ({ stdout: '' }));
  if (found.stdout.trim() !== zigVersion) {
    return `Building dav1d.wasm needs zig: pip install ziglang==${zigVersion}`;
  }
  const cargo = await run('cargo', ['--version']).catch(() => undefined);
  return cargo ? undefined : 'Building dav1d.wasm needs cargo, to download its sources.';
}

/** @throws Error for sources that are not those of {@link crate}, or that do not compile */
export async function buildDav1d(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-dav1d-'));
  try {
    const dav1d = await downloadSources(folder);
    const included = await configure(folder, dav1d);
    const flags = [
      ...target,
      ...['-Os', '-std=c11', '-DNDEBUG', '-D_GNU_SOURCE', '-fno-stack-protector'],
      ...['-ffunction-sections', '-fdata-sections', '-fvisibility=hidden'],
      ...[included, dav1d, join(dav1d, 'include')].map((path) => `-I${path}`),
    ];
    const units: string[][] = [
      [fileURLToPath(new URL('dav1d.c', import.meta.url))],
      ...sources.map((name) => [join(dav1d, `src/${name}.c`)]),
      ...templates.flatMap((name) =>
        [8, 16].map((depth) => [join(dav1d, `src/${name}_tmpl.c`), `-DBITDEPTH=${depth}`]),
      ),
    ];
    const objects = units.map(([source], i) => join(folder, `${i}-${basename(source ?? '')}.o`));
    const pending = units.entries();
    const compile = async (): Promise<void> => {
      for (const [i, unit] of pending) {
        await cc([...flags, ...unit, '-c', '-o', objects[i] ?? '']);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, compile));
    const output = join(folder, 'dav1d.wasm');
    await cc([
      ...target,
      ...['-mexec-model=reactor', '-Wl,--gc-sections', '-Wl,--strip-all'],
      // dav1d asks for half a megabyte of a thread. What is decoded may take 64 MB: see limits.ts.
      ...['-Wl,-z,stack-size=1048576', '-Wl,--max-memory=67108864'],
      ...[...objects, '-o', output],
    ]);
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function cc(args: readonly string[]): Promise<unknown> {
  return run('python3', [...zig, 'cc', ...args]);
}

/** @returns dav1d's folder */
async function downloadSources(folder: string): Promise<string> {
  const { name, version, sha256 } = crate;
  const manifest = join(folder, 'Cargo.toml');
  await writeFile(
    manifest,
    `[package]\nname = "dav1d"\nversion = "0.0.0"\n[lib]\npath = "Cargo.toml"\n[dependencies]\n${name} = "=${version}"\n`,
  );
  await run('cargo', ['vendor', '--manifest-path', manifest, join(folder, 'vendor')]);
  const root = join(folder, 'vendor', name);
  const checksum = JSON.parse(await readFile(join(root, '.cargo-checksum.json'), 'utf8'));
  if (checksum.package !== sha256) {
    throw new Error(`Expected ${name} ${version} with hash ${sha256}, got ${checksum.package}.`);
  }
  return join(root, 'vendor');
}

/** Writes the headers that dav1d's own build makes. @returns their folder */
async function configure(folder: string, dav1d: string): Promise<string> {
  const included = join(folder, 'include');
  await mkdir(included);
  const lines = Object.entries(config).map(([name, value]) => `#define ${name} ${value}\n`);
  await writeFile(join(included, 'config.h'), lines.join(''));
  await writeFile(join(included, 'vcs_version.h'), '#define DAV1D_VERSION ""\n');
  const meson = await readFile(join(dav1d, 'meson.build'), 'utf8');
  const versions = /dav1d_soname_version\s*=\s*'(\d+)\.(\d+)\.(\d+)'/.exec(meson) ?? [];
  const template = await readFile(join(dav1d, 'include/dav1d/version.h.in'), 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].reduce(
    (text, part, i) => text.replace(`@DAV1D_API_VERSION_${part}@`, versions[i + 1] ?? ''),
    template,
  );
  await writeFile(join(included, 'version.h'), version);
  return included;
}

if (import.meta.main) {
  const missing = await missingTool();
  if (missing) throw new Error(missing);
  await writeFile(new URL('dav1d.wasm', import.meta.url), await buildDav1d());
}
