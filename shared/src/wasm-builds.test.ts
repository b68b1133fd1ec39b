import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));

test.each([
  { file: 'resize.wasm', config: 'asconfig.json' },
  { file: 'cnn/cnn-kernels.wasm', config: 'asconfig.cnn.json' },
])(
  '$file is what `pnpm --filter shared build` makes of its source',
  async ({ file, config }) => {
    const written: (Uint8Array | string)[] = [];
    const { error, stderr } = await asc.main(['--baseDir', packageRoot, '--config', config], {
      writeFile: (_, contents) => void written.push(contents),
    });
    expect(error, stderr.toString()).toBeNull();
    const committed = await readFile(new URL(file, import.meta.url));
    expect(written.map((built) => committed.equals(Buffer.from(built)))).toEqual([true]);
  },
  30_000,
);
