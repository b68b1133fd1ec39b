import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { makeFolder } from './make-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

test('makes the folders on the way, and minds none that are there', async () => {
  const path = join(folder, 'a/b/c');
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, 'a/d'))]);
  await makeFolder(path);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test.runIf(process.platform === 'linux').each(['/proc/graft', '/proc/graft/deep/er', '/proc'])(
  'comes to an end for %s',
  async (path) => {
    const made = makeFolder(path).then(
      () => 'made',
      ({ code }: NodeJS.ErrnoException) => code,
    );
    expect(await made).toBe(path === '/proc' ? 'made' : 'ENOENT');
  },
);

test('says so where a file or a link to nothing is in the way', async () => {
  await writeFile(join(folder, 'file'), '');
  await symlink(join(folder, 'gone'), join(folder, 'link'));
  const codeOf = (path: string) =>
    makeFolder(join(folder, path)).catch(({ code }: NodeJS.ErrnoException) => code);
  expect(await codeOf('file')).toBe('EEXIST');
  expect(await codeOf('file/inside')).toBe('ENOTDIR');
  expect(await codeOf('link')).toBe('EEXIST');
});
