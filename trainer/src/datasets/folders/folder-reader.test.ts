import { execFile } from 'node:child_process';
import { chmod, link, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { asNobody } from '../../../fixtures/as-nobody.ts';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';

const run = promisify(execFile);

const tree = usePhotoTree();
beforeEach(() => tree.put('pets/cat/1.jpg', 'pets/dog/2.jpg', 'elsewhere/3.jpg'));

const at = (path: string) => join(tree.root, path);
const linkTo = (target: string, path: string) => symlink(target, at(`pets/${path}`));
/** Files without the root's own name. */
const layout = async () => {
  const { train, ...found } = await tree.layout({}, 'pets');
  return { ...found, train: train?.map((path) => path.slice('pets/'.length)) };
};

const PLAIN = ['cat/1.jpg', 'dog/2.jpg'];

test.each([
  ['a relative link', '../elsewhere'],
  ['an absolute link', '/elsewhere'],
  ['a link by way of another', '../again'],
])('follows a class folder that is %s out of the root', async (_, target) => {
  await symlink('elsewhere', at('again'));
  await linkTo(target.startsWith('/') ? at(target) : target, 'fox');
  await symlink('3.jpg', at('elsewhere/4.jpg'));
  const { train, skipped, notes } = await layout();
  expect({ train, skipped }).toEqual({ train: [...PLAIN, 'fox/3.jpg', 'fox/4.jpg'], skipped: [] });
  expect(notes).toEqual([
    `Class folders that are links, which are followed: 1 (fox to ${at('elsewhere')}).`,
  ]);
});

test('follows links within the root, and to the root of a split', async () => {
  await linkTo('../cat/1.jpg', 'dog/same.jpg');
  await mkdir(at('pets/.store'));
  await rename(at('pets/dog/2.jpg'), at('pets/.store/a1b2'));
  await linkTo('../.store/a1b2', 'dog/2.jpg');
  await linkTo('../.store', 'cat/store');
  expect(await layout()).toMatchObject({
    train: ['cat/1.jpg', 'cat/store/a1b2', 'dog/2.jpg', 'dog/same.jpg'],
    skipped: [],
  });
  await symlink('pets', at('train'));
  await tree.put('test/cat/5.jpg');
  const splits = await tree.layout({ folders: 'splits' });
  expect(splits.train).toContain('train/cat/1.jpg');
});

test.each([
  ['a missing file', 'missing.jpg', 'broken link'],
  ['a missing folder', '../../missing/', 'broken link'],
  ['what is under a file', '1.jpg/2.jpg', 'broken link'],
  ['itself', 'link', 'cycle'],
  ['its folder', '.', 'cycle'],
  ['the root', '..', 'cycle'],
  ['what is above the root', '../..', 'cycle'],
  ['the root of the file system', '/', 'cycle'],
  ['what is read already', 'inner', 'cycle'],
  ['an image out of the root', '../../elsewhere/3.jpg', 'outside'],
  ['a folder out of the root', '../../elsewhere', 'outside'],
  ['a file of the system', '/etc/passwd', 'outside'],
  ['a device', '/dev/zero', 'outside'],
  ['folders of the kernel', '/proc/self', 'other file system'],
])('skips a link to %s in a class', async (_, target, why) => {
  await tree.put('pets/cat/inner/4.jpg');
  await linkTo(target, 'cat/link');
  expect(await layout()).toMatchObject({
    labels: ['cat', 'dog'],
    train: ['cat/1.jpg', 'cat/inner/4.jpg', 'dog/2.jpg'],
    skipped: [{ path: 'cat/link', why }],
  });
});

test.each([
  ['nothing', 'missing', 'broken link'],
  ['the root', '.', 'cycle'],
  ['all there is', '/', 'cycle'],
  ['another file system', '/proc', 'other file system'],
])('skips a class folder that is a link to %s', async (_, target, why) => {
  await linkTo(target, 'fox');
  expect(await layout()).toMatchObject({
    labels: ['cat', 'dog'],
    train: PLAIN,
    skipped: [{ path: 'fox', why }],
  });
});

test('reads a folder once in a class, however many links lead to it', async () => {
  // Each of twenty folders has two links to the next: a million ways.
  for (let depth = 0; depth < 20; depth++) {
    await tree.put(`pets/.deep/${depth}/${depth}.jpg`);
    for (const name of depth < 19 ? ['a', 'b'] : []) {
      await symlink(`../${depth + 1}`, at(`pets/.deep/${depth}/${name}`));
    }
  }
  await linkTo('../.deep/0', 'cat/deep');
  const { train, skipped } = await layout();
  expect(train).toHaveLength(2 + 20);
  expect(skipped).toHaveLength(19);
});

test.each([
  ['a pipe', (path: string) => run('mkfifo', [path])],
  [
    'a socket',
    async (path: string) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(path, resolve));
      // Closing takes the socket away: it stays under another name.
      await link(path, `${path}.kept`);
      await new Promise((resolve) => server.close(resolve));
      await rename(`${path}.kept`, path);
    },
  ],
  [
    'a link to a pipe',
    async (path: string) => {
      await run('mkfifo', [at('pets/.pipe')]);
      await symlink('../.pipe', path);
    },
  ],
])('skips %s', async (_, make) => {
  await make(at('pets/cat/odd.jpg'));
  expect(await layout()).toMatchObject({
    train: PLAIN,
    skipped: [{ path: 'cat/odd.jpg', why: 'no file' }],
  });
});

test.each([
  ['a class folder', 'pets/fox', 'fox', PLAIN],
  ['a folder in a class', 'pets/cat/inner', 'cat/inner', PLAIN],
  ['a folder that may be listed and not entered', 'pets/cat/inner', 'cat/inner', PLAIN],
])('skips %s that may not be read', async (what, path, skipped, train) => {
  await tree.put(`${path}/3.jpg`);
  await symlink('3.jpg', at(`${path}/link.jpg`));
  await chmod(tree.root, 0o755);
  await chmod(at(path), what.includes('listed') ? 0o444 : 0);
  const found = await asNobody(layout).finally(() => chmod(at(path), 0o755));
  if (what.includes('listed')) {
    // What is in it is known by name; that it cannot be read shows when it is.
    expect(found.train).toContain(`${skipped}/3.jpg`);
    expect(found.skipped).toEqual([{ path: `${skipped}/link.jpg`, why: 'unreadable' }]);
  } else {
    expect(found).toEqual({
      ...{ labels: ['cat', 'dog'], train, validation: null, test: null, notes: [] },
      skipped: [{ path: skipped, why: 'unreadable' }],
    });
  }
});

test('says that a folder cannot be opened by its name', async () => {
  const path = Buffer.concat([Buffer.from(at('pets/')), Buffer.from([0xff])]);
  await mkdir(path);
  await writeFile(Buffer.concat([path, Buffer.from('/1.jpg')]), '');
  const { train, notes, skipped } = await layout();
  expect({ train, notes, skipped }).toEqual({
    train: PLAIN,
    notes: [],
    skipped: [{ path: '\ufffd', why: 'bad name' }],
  });
});

test.each([
  ['nothing', async () => {}, /but there is nothing by that name: /],
  ['a zip', (path: string) => writeFile(path, 'PK'), /is an archive: unpack it/, 'photos.zip'],
  ['a tar', (path: string) => writeFile(path, ''), /is an archive: unpack it/, 'photos.TGZ'],
  ['an image', (path: string) => writeFile(path, ''), /is a file: pass the folder/, '1.jpg'],
  ['a pipe', (path: string) => run('mkfifo', [path]), /is neither a folder nor a file/],
  ['a link to itself', (path: string) => symlink(path, path), /cannot be read: check its perm/],
])('refuses %s as a folder', async (_, make, message, name = 'it') => {
  await make(at(name));
  await expect(tree.layout({}, name)).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(message),
  });
});

test('refuses a root that may not be read', async () => {
  const folder = await mkdtemp(at('closed-'));
  await chmod(tree.root, 0o755);
  await chmod(folder, 0);
  const name = folder.slice(tree.root.length + 1);
  await expect(asNobody(() => tree.layout({}, name))).rejects.toThrow(
    /^Expected a folder of photos at .*closed-.*, but it cannot be read: check its permissions\.$/,
  );
  await rm(folder, { recursive: true });
});
