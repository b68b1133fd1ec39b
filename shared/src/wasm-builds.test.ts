import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';
import { tiles } from '../tiles/tiles.ts';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));

test('the unrolled AssemblyScript is what `pnpm --filter shared build` writes', async () => {
  const folder = new URL('../kernels/cnn/tiles/', import.meta.url);
  const committed: Record<string, string> = {};
  for (const file of await readdir(folder))
    committed[file] = await readFile(new URL(file, folder), 'utf8');
  expect(committed).toEqual(tiles);
});

test.each([
  { file: 'images/preprocess/resize.wasm', options: ['--config', 'asconfig.json'] },
  { file: 'images/reduce/reduce.wasm', options: ['--config', 'asconfig.reduce.json'] },
  { file: 'inference/kernels/cnn-kernels.wasm', options: ['--config', 'asconfig.cnn.json'] },
  {
    file: 'inference/kernels/cnn-kernels-shared.wasm',
    options: ['--config', 'asconfig.cnn.json', '--target', 'shared-memory'],
  },
])('$file is what `pnpm --filter shared build` makes of its source', async ({ file, options }) => {
  const written: (Uint8Array | string)[] = [];
  const { error, stderr } = await asc.main(['--baseDir', packageRoot, ...options], {
    writeFile: (_, contents) => void written.push(contents),
  });
  expect(error, stderr.toString()).toBeNull();
  const committed = await readFile(new URL(file, import.meta.url));
  expect(written.map((built) => committed.equals(Buffer.from(built)))).toEqual([true]);
});
