import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';

test('resize.wasm is what `pnpm --filter shared build` makes of its source', async () => {
  const written: (Uint8Array | string)[] = [];
  const packageRoot = fileURLToPath(new URL('..', import.meta.url));
  const { error, stderr } = await asc.main(['--baseDir', packageRoot], {
    writeFile: (_, contents) => void written.push(contents),
  });
  expect(error, stderr.toString()).toBeNull();
  const committed = await readFile(new URL('resize.wasm', import.meta.url));
  expect(written.map((file) => committed.equals(Buffer.from(file)))).toEqual([true]);
}, 30_000);
