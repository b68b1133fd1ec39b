import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';
import { tiles } from '../tiles/tiles.ts';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));

test.each([
  { file: 'images/preprocess/resize.wasm', options: ['--config', 'asconfig.json'] },
  { file: 'images/reduce/reduce.wasm', options: ['--config', 'asconfig.reduce.json'] },
  { file: 'search/dot-products.wasm', options: ['--config', 'asconfig.search.json'] },
  { file: 'inference/kernels/cnn-kernels.wasm', options: ['--config', 'asconfig.cnn.json'] },
  {
    file: 'inference/kernels/cnn-kernels-shared.wasm',
    options: ['--config', 'asconfig.cnn.json', '--target', 'shared-memory'],
  },
])('$file is what `pnpm --filter shared build` makes of its source', async ({ file, options }) => {
  const written: (Uint8Array | string)[] = [];
  const { error, stderr } = await asc.main(['--baseDir', packageRoot, ...options], {
    readFile: (name, folder) => readSource(join(folder, name)),
    writeFile: (_, contents) => void written.push(contents),
  });
  expect(error, stderr.toString()).toBeNull();
  const committed = await readFile(new URL(file, import.meta.url));
  expect(written.map((built) => committed.equals(Buffer.from(built)))).toEqual([true]);
});

/** @returns null if there is no such file */
async function readSource(path: string): Promise<string | null> {
  // These the build writes first.
  if (basename(dirname(path)) === 'tiles') return tiles[basename(path)] ?? null;
  return readFile(path, 'utf8').catch(() => null);
}
