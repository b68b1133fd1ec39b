import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));

test.each([
  { file: 'images/preprocess/resize.wasm', options: ['--config', 'asconfig.json'] },
  { file: 'inference/kernels/cnn-kernels.wasm', options: ['--config', 'asconfig.cnn.json'] },
  {
    file: 'inference/kernels/cnn-kernels-shared.wasm',
    options: ['--config', 'asconfig.cnn.json', '--target', 'shared-memory'],
  },
])(
  '$file is what `pnpm --filter shared build` makes of its source',
  async ({ file, options }) => {
    const written: (Uint8Array | string)[] = [];
    const { error, stderr } = await asc.main(['--baseDir', packageRoot, ...options], {
      writeFile: (_, contents) => void written.push(contents),
    });
    expect(error, stderr.toString()).toBeNull();
    const committed = await readFile(new URL(file, import.meta.url));
    expect(written.map((built) => committed.equals(Buffer.from(built)))).toEqual([true]);
  },
  30_000,
);
