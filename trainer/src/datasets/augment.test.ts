import type { Picture } from 'shared/preprocess';
import { expect, test } from 'vitest';
import { augment } from './augment.ts';
import { createRandom, type Random } from './random.ts';

/** Draws what it is told to. `shift` of −1 is the first of three places at a crop of one pixel. */
const fixed = ({ mirror = false, left = 0, top = 0, crop = 0 }): Random => {
  const draws = [left + crop, top + crop];
  return { float: () => (mirror ? 0 : 0.9), below: () => draws.shift() as number };
};

// Three pixels wide, three high; red counts, green is 100 more.
const picture: Picture = {
  width: 3,
  height: 3,
  channels: 3,
  data: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((red) => [red, red + 100, 0])),
};

const reds = ({ data }: Picture): number[] => [...data].filter((_, index) => index % 3 === 0);

test('changes nothing when told so', () => {
  const same = augment(picture, createRandom(1), { flip: false, crop: 0 });
  expect(same.data).toEqual(picture.data);
  expect(same.data).not.toBe(picture.data);
});

test('mirrors left to right, whole pixels', () => {
  const mirrored = augment(picture, fixed({ mirror: true }), { flip: true, crop: 0 });
  expect(reds(mirrored)).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect([...mirrored.data.subarray(0, 3)]).toEqual([3, 103, 0]);
});

test('shifts and reflects what is missing without repeating the border', () => {
  const upLeft = fixed({ left: -1, top: -1, crop: 1 });
  expect(reds(augment(picture, upLeft, { flip: true, crop: 1 / 3 }))).toEqual([
    5, 4, 5, 2, 1, 2, 5, 4, 5,
  ]);
  const downRight = fixed({ left: 1, top: 1, crop: 1 });
  expect(reds(augment(picture, downRight, { flip: true, crop: 1 / 3 }))).toEqual([
    5, 6, 5, 8, 9, 8, 5, 6, 5,
  ]);
});

test('mirrors about half, and shifts to every place about equally often', () => {
  // Wide enough that all 2 × 3 × 3 outcomes differ.
  const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => index);
  const wide: Picture = { width: 5, height: 3, channels: 3, data };
  const random = createRandom(5);
  const seen = new Map<string, number>();
  for (let draw = 0; draw < 1800; draw++) {
    const outcome = reds(augment(wide, random, { flip: true, crop: 1 / 3 })).join();
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect(seen.size).toBe(18);
  for (const count of seen.values()) expect(count).toBeGreaterThan(60);
});
