import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { decodeFile } from '../decoding/decode-file.ts';
import { groupCopies } from './group-copies.ts';
import { thumbnailOf } from './thumbnail.ts';

const fixture = (name: string) =>
  new URL(`../../../../shared/fixtures/${name}`, import.meta.url).pathname;

async function comparable(file: Uint8Array, hash: string) {
  const { image } = await decodeFile(file, 64);
  return { hash, thumbnail: thumbnailOf(image) };
}

const original = async () => comparable(await readFile(fixture('coffee.png')), 'original');

test.each([
  ['smaller', (photo: Sharp) => photo.resize(150)],
  ['badly compressed', (photo: Sharp) => photo.jpeg({ quality: 20 })],
  ['darker', (photo: Sharp) => photo.linear(0.7, 0)],
  ['blurred', (photo: Sharp) => photo.blur(3)],
  [
    'slightly cropped',
    (photo: Sharp) => photo.extract({ left: 4, top: 3, width: 590, height: 394 }),
  ],
])('takes an image that is %s for a copy', async (_, edit) => {
  const edited = await edit(sharp(fixture('coffee.png'))).toBuffer();
  const { firsts, near } = groupCopies([await original(), await comparable(edited, 'edited')]);
  expect(firsts).toEqual([0, 0]);
  expect(near).toEqual([{ index: 1, of: 0 }]);
});

test.each([
  ['mirrored', (photo: Sharp) => photo.flop()],
  ['in other colours', (photo: Sharp) => photo.negate({ alpha: false })],
  [
    'cropped by half',
    (photo: Sharp) => photo.extract({ left: 0, top: 0, width: 300, height: 200 }),
  ],
])('takes an image that is %s for another', async (_, edit) => {
  const edited = await edit(sharp(fixture('coffee.png'))).toBuffer();
  const { firsts } = groupCopies([await original(), await comparable(edited, 'edited')]);
  expect(firsts).toEqual([0, 1]);
});

test('takes images of one shade for copies only byte for byte', async () => {
  const shade = (hash: string) => ({ hash, thumbnail: Buffer.alloc(768, 90).toString('base64') });
  const { firsts, near } = groupCopies([shade('a'), shade('b'), shade('a')]);
  expect(firsts).toEqual([0, 1, 0]);
  expect(near).toEqual([]);
});

test('joins groups that an image is like', async () => {
  const [coffee, rocket] = await Promise.all(
    ['coffee.png', 'rocket.png'].map(async (name) => {
      const { thumbnail } = await comparable(await readFile(fixture(name)), name);
      return Buffer.from(thumbnail, 'base64');
    }),
  );
  // Each is like the next, and less so the one after it.
  const images = [0, 0.5, 0.25, 0.1, 0.4, 0.3, 0.2].map((share) => {
    const mixed = coffee?.map((sample, i) => (1 - share) * sample + share * (rocket?.[i] ?? 0));
    return { hash: `${share}`, thumbnail: Buffer.from(mixed ?? []).toString('base64') };
  });
  expect(groupCopies(images.slice(0, 2)).firsts).toEqual([0, 1]);
  expect(groupCopies(images).firsts).toEqual([0, 0, 0, 0, 0, 0, 0]);
});
