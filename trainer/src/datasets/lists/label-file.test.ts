import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { readLabelFile } from './label-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function read(text: string | Uint8Array) {
  const path = join(folder, 'labels.csv');
  await writeFile(path, text);
  const { labels, images } = await readLabelFile(path);
  return images.map(({ file, labels: of, split }) => [file, of.map((at) => labels[at]), split]);
}

test('reads a file and its labels a row', async () => {
  const expected = [
    ['a, b.jpg', ['sand', 'sea'], 'train'],
    ['c.jpg', [], 'train'],
    ['d.jpg', ['sea'], 'train'],
  ];
  const rows = '"a, b.jpg",sea; sand\r\nc.jpg,\r\n\r\nd.jpg,sea\r\n';
  expect(await read(rows)).toEqual(expected);
  expect(await read(`\ufefffile,labels\r\n${rows}`)).toEqual(expected);
});

test('reads a column for each label, and what an image is for', async () => {
  const rows = 'filename,sea,sand,split\na.jpg,1,1,train\nb.jpg,0,1,valid\nc.jpg,0,0,test\n';
  expect(await read(rows)).toEqual([
    ['a.jpg', ['sea', 'sand'], 'train'],
    ['b.jpg', ['sand'], 'validation'],
    ['c.jpg', [], 'test'],
  ]);
});

test('reads what spreadsheets and pandas write', async () => {
  const expected = [
    ['a, b.jpg', ['sand', 'sea'], 'train'],
    ['c.jpg', [], 'train'],
  ];
  expect(await read('\ufefffile;labels\r\na, b.jpg;"sea;sand"\r\nc.jpg;\r\n')).toEqual(expected);
  expect(await read('"a, b.jpg";"sea;sand"\nc.jpg;""\n')).toEqual(expected);
  expect(await read('image_id,tags\n"a, b.jpg",sea;sand\nc.jpg,\n')).toEqual(expected);
  expect(await read('file,sand,sea\n"a, b.jpg",True,TRUE\nc.jpg,False,false\n')).toEqual(expected);
  expect(await read('file;sand;sea\na, b.jpg;1.0;1\nc.jpg;0.0;0\n')).toEqual(expected);
});

test('tells the columns by what they hold, whatever their names and order', async () => {
  const expected = [
    ['a.jpg', ['sand'], 'train'],
    ['b.png', ['sea'], 'train'],
  ];
  for (const text of [
    'Datei,Ort\na.jpg,sand\nb.png,sea\n',
    'place,image\nsand,a.jpg\nsea,b.png\n',
    'sand,a.jpg\nsea,b.png\n',
    'name,url,class,width\na.jpg,http://b/a.jpg,sand,20\nb.png,http://b/b.png,sea,30\n',
    ',file,sand,sea\n0,a.jpg,1,0\n1,b.png,0,1\n',
    'a.jpg\tsand\nb.png\tsea\n',
    'file\tlabels\na.jpg\tsand\nb.png\tsea\n',
  ]) {
    expect(await read(text), text).toEqual(expected);
  }
  expect(await read('id,breed\n1,sand\n2,sea\n')).toEqual([
    ['1', ['sand'], 'train'],
    ['2', ['sea'], 'train'],
  ]);
  expect(await read('a.jpg,id\nb.png,tag\n')).toHaveLength(2);
  expect(await read('1,photo\n2,drawing\n3,photo\n')).toHaveLength(3);
  expect(await read('1,sand\n2.jpg,sea\n3.jpg,sea\n')).toHaveLength(3);
});

test('takes no other column with files for that of the images', async () => {
  const expected = [
    ['1', ['sand'], 'train'],
    ['2', ['sea'], 'train'],
  ];
  for (const text of [
    'image_id,label,mask\n1,sand,1_m.jpg\n2,sea,2_m.jpg\n',
    'id,species,url\n1,sand,http://b/2.jpg\n2,sea,http://b/1.jpg\n',
    'id_code,diagnosis\n1,sand\n2,sea\n',
    'Nummer,Ort\n1,sand\n2,sea\n',
    'sep=;\r\nid;ort\r\n1;sand\r\n2;sea\r\n',
  ]) {
    expect(await read(text), text).toEqual(expected);
  }
});

test('takes a column of 0 and 1 for one label, but where an image has exactly one', async () => {
  const path = join(folder, 'labels.csv');
  await writeFile(path, 'file,sea\na.jpg,1\nb.jpg,0\n');
  expect((await readLabelFile(path)).labels).toEqual(['sea']);
  expect((await readLabelFile(path, undefined, true)).labels).toEqual(['0', '1']);
});

test('reads UTF-16, as spreadsheets write text with tabs', async () => {
  const text = '\ufefffile\tlabels\r\n"ä, b.jpg"\tsand\r\n';
  const bytes = Buffer.from(text, 'utf16le');
  const expected = [['ä, b.jpg', ['sand'], 'train']];
  expect(await read(bytes)).toEqual(expected);
  expect(await read(Buffer.from(bytes).swap16())).toEqual(expected);
});

test('gives an image that stands in several rows the labels of all', async () => {
  expect(await read('a.jpg,sea\nb.jpg,sea\na.jpg,sand\n')).toEqual([
    ['a.jpg', ['sand', 'sea'], 'train'],
    ['b.jpg', ['sea'], 'train'],
  ]);
});

test.each([
  ['', 'Expected a row for each image, such as beach.jpg,sea;sand in '],
  ['file,labels\n', 'Expected a row for each image'],
  ['a.jpg,sea\nb.jpg,sea,sand\n', 'Expected 2 cells in line 2'],
  ['file,labels\n"a\n.jpg",sea\nb.jpg\n', 'Expected 2 cells in line 4'],
  ['file,sea,sand\na.jpg,1,2\n', 'Expected 0 or 1 for sand in line 2'],
  ['file,labels,split\na.jpg,sea,later\n', 'Expected train, validation or test as the split'],
])('refuses %j', async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

test('refuses what is not UTF-8, and what is not there', async () => {
  await expect(read(Uint8Array.of(0xff, 0xfe, 0x61))).rejects.toThrow('it is not UTF-8');
  await expect(read(Uint8Array.of(0x61, 0xe4))).rejects.toThrow('it is not UTF-8');
  await expect(read(Buffer.from('a.jpg,sea', 'utf16le'))).rejects.toThrow('it is not UTF-8');
  await expect(readLabelFile(join(folder, 'none.csv'))).rejects.toThrow('there is nothing');
});
