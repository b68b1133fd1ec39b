import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { expect, test } from 'vitest';
import { readLabelFile } from './label-file.ts';
import { setLabelRow } from './label-row.ts';

test.each([
  ['file,labels\na.jpg,sea\nb.jpg,sand\n', 'new.jpg,sand;sea\n'],
  ['file;labels\r\na.jpg;sea\r\nb.jpg;sand\r\n', 'new.jpg;"sand;sea"\r\n'],
  ['a.jpg,sea\nb.jpg,sand', 'new.jpg,sand;sea\n'],
  ['a.jpg,sea\rb.jpg,sand\r', 'new.jpg,sand;sea\r'],
  ['1,sea\n2,sand\n', 'new.jpg,sand;sea\n'],
  ['file,sand,sea,split\r\na.jpg,0,1,test\r\nb.jpg,1,0,train\r\n', 'new.jpg,1,1,train\r\n'],
  ['file,labels,note\n"a, b.jpg",sea,"two\nlines"\nb.jpg,sand,\n', 'new.jpg,sand;sea,\n'],
])('adds a row to %j, and takes it out again', async (text, row) => {
  const path = join(await temporaryFolder(), 'labels.csv');
  await writeFile(path, text);
  const before = await readLabelFile(path);
  await setLabelRow(path, 'new.jpg', ['sand', 'sea']);
  const written = await readFile(path, 'utf8');
  expect(written.startsWith(text)).toBe(true);
  expect(written.endsWith(row)).toBe(true);
  const { images } = await readLabelFile(path);
  expect(images.slice(0, -1)).toEqual(before.images);
  expect(images.at(-1)).toMatchObject({ file: 'new.jpg', labels: [0, 1], split: 'train' });
  await setLabelRow(path, 'new.jpg', ['sea']);
  expect((await readLabelFile(path)).images.at(-1)?.labels).toEqual([1]);
  await setLabelRow(path, 'new.jpg', undefined);
  expect((await readFile(path, 'utf8')).trimEnd()).toBe(text.trimEnd());
});

test('writes UTF-8 where the file was UTF-16', async () => {
  const path = join(await temporaryFolder(), 'labels.csv');
  const text = '\ufefffile\tlabels\r\nä.jpg\tsea\r\n';
  await writeFile(path, text, 'utf16le');
  await setLabelRow(path, 'b.jpg', ['sea', 'sand']);
  expect(await readFile(path, 'utf8')).toBe(`${text}b.jpg\tsea;sand\r\n`);
});

test('quotes a name with a comma', async () => {
  const path = join(await temporaryFolder(), 'labels.csv');
  await writeFile(path, 'file,labels\na.jpg,sea\n');
  await setLabelRow(path, 'a, "b".jpg', []);
  expect((await readLabelFile(path)).images.at(-1)).toMatchObject({
    file: 'a, "b".jpg',
    labels: [],
  });
});
