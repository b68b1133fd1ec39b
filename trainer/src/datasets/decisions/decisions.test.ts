import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../../fixtures/folders/folder-with-cache.ts';
import { readingOptions } from '../../../fixtures/folders/reading-options.ts';
import type { Dataset } from '../dataset.ts';
import { openImageFolder } from '../folders/image-folder.ts';
import { inspectFolder } from '../folders/inspect-folder.ts';
import { type Part, splitDataset } from '../split.ts';
import { decidedImage } from './apply-decisions.ts';
import { Decisions, decisionsIn, type Verdict } from './decisions.ts';

let root: string;
let said: string[];
beforeEach(async () => {
  root = await folderWithCache();
  said = [];
  for (const [at, label] of ['cat', 'dog'].entries()) {
    for (let shade = 0; shade < 20; shade++) {
      const background = { r: 100 * at, g: 12 * shade, b: 50 };
      const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
      await put(`photos/${label}/${shade}.png`, await image.png().toBuffer());
    }
  }
});

async function put(path: string, content: Uint8Array): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

const open = () => openImageFolder(join(root, 'photos'), readingOptions(said));

/** The images by file, as they are before any decision. */
async function images() {
  const { folder, photos } = await inspectFolder(join(root, 'photos'), readingOptions(said));
  const all = photos.train.map((photo) => decidedImage(folder, photo));
  return new Map(all.map((image) => [image.file, image]));
}

async function decide(verdicts: Readonly<Record<string, Verdict>>): Promise<void> {
  const decisions = await Decisions.read(join(root, 'photos'));
  const known = await images();
  for (const [file, verdict] of Object.entries(verdicts)) {
    decisions.set(known.get(file) as { file: string; sha256: string }, verdict);
  }
  await decisions.write();
}

const split = (dataset: Dataset) =>
  splitDataset(dataset, { split: 'stratified', validation: 0.2, test: 0.2, limit: null, seed: 1 });
const hashesOf = ({ set, indices }: Part) => indices.map((index) => set.group?.(index));

test('moves and leaves out images, says the counts, and moves no other image between the splits', async () => {
  const before = await open();
  await decide({
    'cat/3.png': { decision: 'move', to: 'dog' },
    'cat/4.png': { decision: 'duplicate' },
    'dog/5.png': { decision: 'not a photo' },
    'dog/6.png': { decision: 'right' },
  });
  said = [];
  const after = await open();
  expect(said).toContain(
    'Reviewed images: 1 moved to another class, 1 left out as duplicates, 1 left out as no photos.',
  );
  expect(said).toContain('Images before and after the review: 40 → 38; cat 20 → 18.');
  expect(after.hash).not.toBe(before.hash);
  const left = new Set([...Array(after.train.length).keys()].map((at) => after.train.group?.(at)));
  for (const part of ['train', 'validation', 'test'] as const) {
    const [one, other] = [hashesOf(split(before)[part]), hashesOf(split(after)[part])];
    expect(other).toEqual(one.filter((hash) => left.has(hash)));
  }
  const moved = (await images()).get('cat/3.png')?.sha256;
  const at = [...Array(after.train.length).keys()].find((i) => after.train.group?.(i) === moved);
  expect(after.labels[after.train.label(at as number)]).toBe('dog');
});

test('trains on what was added, and draws the splits without it', async () => {
  const before = await open();
  const background = { r: 9, g: 9, b: 9 };
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
  await put('photos/cat/feedback.png', await image.png().toBuffer());
  await decide({ 'cat/feedback.png': { decision: 'added' } });
  const after = await open();
  const added = (await images()).get('cat/feedback.png')?.sha256;
  expect(hashesOf(split(after).test)).toEqual(hashesOf(split(before).test));
  expect(hashesOf(split(after).train).filter((hash) => hash !== added)).toEqual(
    hashesOf(split(before).train),
  );
  expect(hashesOf(split(after).train)).toContain(added);
});

test('follows a renamed image, and lets go of a changed one', async () => {
  await decide({ 'cat/3.png': { decision: 'duplicate' }, 'cat/4.png': { decision: 'duplicate' } });
  await rename(join(root, 'photos/cat/3.png'), join(root, 'photos/cat/renamed.png'));
  await writeFile(
    join(root, 'photos/cat/4.png'),
    await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
  );
  expect((await open()).train.length).toBe(39);
});

test('tells copies apart, of which only one is a duplicate', async () => {
  const copy = await readFile(join(root, 'photos/cat/3.png'));
  await put('photos/dog/copy.png', copy);
  await decide({ 'dog/copy.png': { decision: 'duplicate' } });
  said = [];
  const { train, labels } = await open();
  expect(train.length).toBe(40);
  expect(
    labels.map(
      (_, label) => [...Array(40).keys()].filter((at) => train.label(at) === label).length,
    ),
  ).toEqual([20, 20]);
  expect(said.filter((line) => line.includes('byte for byte'))).toEqual([]);
});

test('writes a sorted line for each decision, and takes decisions back', async () => {
  await decide({ 'dog/1.png': { decision: 'right' }, 'cat/1.png': { decision: 'right' } });
  const path = decisionsIn(join(root, 'photos'));
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(lines.slice(3, 5).map((line) => line.slice(4, 24))).toEqual([
    '{"file":"cat/1.png",',
    '{"file":"dog/1.png",',
  ]);
  const decisions = await Decisions.read(join(root, 'photos'));
  for (const image of (await images()).values()) decisions.set(image, undefined);
  await decisions.write();
  expect(await readFile(path, 'utf8')).toBe('{\n  "version": 1,\n  "decisions": []\n}\n');
});

test('refuses a damaged file in one sentence, and names decisions for no class', async () => {
  await decide({ 'cat/1.png': { decision: 'move', to: 'horse' } });
  await open();
  expect(said).toContain(
    'Decisions that name no class of the folder, which are not applied: 1 (cat/1.png).',
  );
  await writeFile(decisionsIn(join(root, 'photos')), '{"version": 2}');
  await expect(open()).rejects.toThrow(
    /Expected the decisions of graft review in .*graft-review.json, but version is none: restore it, or remove it to begin anew\./,
  );
});
