/**
 * Compiles the decoder of PNG and GIF to rows.wasm: `pnpm --filter shared build:decoders`. It needs
 * Rust with its target for WebAssembly; Cargo.lock has the hashes of the crates.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Source } from '../sources.ts';

const run = promisify(execFile);

const rustVersion = '1.95.0';
const target = 'wasm32-unknown-unknown';

const flags = [
  '-Ctarget-feature=+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext',
  // What rows.ts takes into account.
  ...['-Clink-arg=--max-memory=16777216', '-Clink-arg=-zstack-size=65536'],
];

/** The crates that decode, as Cargo.toml has them. */
export async function readRowsCrates(): Promise<Pick<Source, 'registry' | 'name' | 'version'>[]> {
  const manifest = await readFile(new URL('Cargo.toml', import.meta.url), 'utf8');
  return [...manifest.matchAll(/^(\w+) = .*"=([^"]+)"/gm)].map(([, name = '', version = '']) => ({
    registry: 'crates.io',
    name,
    version,
  }));
}

/** @returns what is missing to build, as a sentence; undefined when all is there */
export async function missingTool(): Promise<string | undefined> {
  const version = await run('rustc', ['--version']).catch(() => ({ stdout: '' }));
  const folder = await run('rustc', ['--print', 'target-libdir', '--target', target]).catch(
    () => undefined,
  );
  const hasTarget = folder && (await realpath(folder.stdout.trim()).catch(() => undefined));
  if (version.stdout.split(' ')[1] === rustVersion && hasTarget) return undefined;
  return `Building rows.wasm needs Rust ${rustVersion}: rustup toolchain install ${rustVersion} --target ${target}`;
}

/** @throws Error for crates that are not those of Cargo.lock, or that do not compile */
export async function buildRows(): Promise<Uint8Array> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'graft-rows-')));
  try {
    const source = fileURLToPath(new URL('.', import.meta.url));
    for (const name of ['Cargo.toml', 'Cargo.lock', 'src']) {
      await cp(join(source, name), join(folder, name), { recursive: true });
    }
    const { stdout: settings } = await run('cargo', ['vendor', '--locked', 'vendor'], {
      cwd: folder,
    });
    await mkdir(join(folder, '.cargo'));
    await writeFile(join(folder, '.cargo/config.toml'), settings);
    await run('cargo', ['build', '--locked', '--offline', '--release', '--target', target], {
      cwd: folder,
      env: {
        ...process.env,
        CARGO_TARGET_DIR: join(folder, 'target'),
        // Paths come into the program, and are not the same everywhere.
        RUSTFLAGS: [...flags, `--remap-path-prefix=${folder}=.`].join(' '),
      },
    });
    return await readFile(join(folder, 'target', target, 'release/rows.wasm'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const missing = await missingTool();
  if (missing) throw new Error(missing);
  await writeFile(new URL('rows.wasm', import.meta.url), await buildRows());
}
