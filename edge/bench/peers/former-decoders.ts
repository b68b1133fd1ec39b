import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { defaultLimits } from '../../src/limits.ts';

const run = promisify(execFile);

/** The last commit with decoders of the Worker's own, some of them of 2020. */
const COMMIT = '649b921e51e44a24ea9fba314d8df6ce7f25a94f';
const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Former {
  decode(file: Uint8Array, limits: object, size: number): Promise<unknown>;
}

/**
 * Bundles the Worker's former decoders from the repository's history, in which they are entire.
 *
 * @returns decodes a JPEG, PNG, WebP or AVIF as the Worker did before it reduced the image to `size` pixels
 * @throws Error for a clone without its history
 */
export async function loadFormerDecoders(): Promise<
  (file: Uint8Array, size: number) => Promise<unknown>
> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-former-'));
  try {
    const archive = join(folder, 'former.tar');
    await run('git', ['archive', '-o', archive, COMMIT, 'edge', 'shared/src'], { cwd: root }).catch(
      (cause: unknown) => {
        const text = `The former decoders are in commit ${COMMIT}, which this clone lacks: git fetch --unshallow`;
        throw new Error(text, { cause });
      },
    );
    await run('tar', ['-xf', archive, '-C', folder]);
    const outfile = join(folder, 'decode.mjs');
    await build({
      entryPoints: [join(folder, 'edge/src/pictures/decode.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      nodePaths: ['edge', 'shared'].map((name) => join(root, name, 'node_modules')),
      tsconfigRaw: {},
      // GIFs are compared with nothing.
      external: ['@cwasm/nsgif/*'],
      plugins: [asInWorkers(join(folder, 'shared/src'))],
    });
    const { decode } = (await import(outfile)) as Former;
    return (file, size) => decode(file, defaultLimits, size);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Node's streams lack `readAtLeast`, with which the Worker read from its runtime's zlib; Node's is the same one. */
const inflateInNode = `import { inflateSync } from 'node:zlib';
export function startInflating(parts) {
  const bytes = inflateSync(Buffer.concat([...parts]));
  let at = 0;
  return { read: async (length) => bytes.subarray(at, (at += length)), stop() {} };
}`;

/** Imports of the package `shared` are the former one's, and of WebAssembly are compiled modules. */
const asInWorkers = (shared: string): Plugin => ({
  name: 'as-in-workers',
  setup(bundler) {
    bundler.onResolve({ filter: /^shared\/[^.]+$/ }, ({ path }) => ({
      path: `${path.replace('shared', shared)}.ts`,
    }));
    bundler.onResolve({ filter: /^shared\/.*\.wasm$/ }, ({ path }) => ({
      path: path.replace('shared', shared),
    }));
    bundler.onLoad({ filter: /inflate\.ts$/ }, () => ({ contents: inflateInNode }));
    bundler.onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({
      contents: `export default new WebAssembly.Module(
        Buffer.from('${await readFile(path, 'base64')}', 'base64'),
      );`,
    }));
  },
});
