import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { partialPrefix } from './partial-paths.ts';
import { appendLine, replaceDirectory, writeFileAtomically } from './write-atomically.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await temporaryFolder();
  path = join(directory, 'kept.txt');
});

test('writes text and bytes, over what was there', async () => {
  await writeFileAtomically(path, 'the old content, which is longer');
  await writeFileAtomically(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
  await writeFileAtomically(path, Uint8Array.of(0, 255));
  expect([...(await readFile(path))]).toEqual([0, 255]);
  expect(await readdir(directory)).toEqual(['kept.txt']);
});

test('makes the folders on the way', async () => {
  const deep = join(directory, 'runs/first/log.txt');
  await writeFileAtomically(deep, 'x');
  expect(await readFile(deep, 'utf8')).toBe('x');
});

test('keeps the old content where writing fails half-way, and no temporary file', async () => {
  await writeFileAtomically(path, 'old');
  async function* breaking() {
    yield 'half of the new';
    throw new Error('the power went out');
  }
  const content = breaking() as unknown as string;
  await expect(writeFileAtomically(path, content)).rejects.toThrow('the power went out');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(directory)).toEqual(['kept.txt']);
});

test('keeps a folder that stands at its path, and no temporary file', async () => {
  await mkdir(path);
  await writeFile(join(path, 'inside.txt'), 'old');
  await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({
    code: 'not_writable',
    message: expect.stringContaining(`Expected to write ${path}, but there is a f`),
  });
  expect(await readFile(join(path, 'inside.txt'), 'utf8')).toBe('old');
  expect(await readdir(directory)).toEqual(['kept.txt']);
});

test.runIf(process.platform === 'linux')('says so where the disk is full', async () => {
  await writeFileAtomically(path, 'old');
  // A real full device, in the place of the temporary file.
  await symlink('/dev/full', `${partialPrefix(path)}new`);
  await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({
    name: 'TrainerError',
    code: 'disk_full',
    message: expect.stringContaining(path),
  });
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(directory)).toEqual(['kept.txt']);
});

test('writes parts in their order, and flushes none of them to the path before the last', async () => {
  function* parts() {
    yield Buffer.from('one, ');
    yield Buffer.from('two');
  }
  await writeFileAtomically(path, parts());
  expect(await readFile(path, 'utf8')).toBe('one, two');
});

test('clears away what a killed process left half-written', async () => {
  const ended = spawnSync(process.execPath, ['--eval', '']).pid;
  const left = partialPrefix(path).replace(`.${process.pid}.`, `.${ended}.`);
  await writeFile(`${left}new`, 'half of the n');
  await mkdir(`${left}old`);
  // Of another file, and of one that is being written.
  await writeFile(`${partialPrefix(path)}other`, '');
  await writeFile(join(directory, 'kept.txt.partial'), '');
  await writeFileAtomically(path, 'new');
  expect((await readdir(directory)).sort()).toEqual(
    ['kept.txt', 'kept.txt.partial', basename(`${partialPrefix(path)}other`)].sort(),
  );
});

test.runIf(process.platform === 'linux')(
  'adds lines, and says so where the disk is full',
  async () => {
    await appendLine(path, 'one');
    await appendLine(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
    await expect(appendLine('/dev/full', 'one')).rejects.toMatchObject({ code: 'disk_full' });
  },
);

test('replaces a directory whole', async () => {
  await replaceDirectory(path, { 'a.txt': 'old', 'b.txt': 'old' });
  await replaceDirectory(path, { 'a.txt': 'new' });
  expect(await readdir(path)).toEqual(['a.txt']);
  expect(await readFile(join(path, 'a.txt'), 'utf8')).toBe('new');
  expect(await readdir(directory)).toEqual(['kept.txt']);
});
