import type { Image } from 'shared/images/image';
import { reductionFor } from 'shared/images/reduce/reduction';
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../config/random.ts';
import { augment, sizeToAugment } from './augment.ts';

/** Draws the given values. `shift` of −1 is the first of three places at a crop of one pixel. */
const fixed = ({ mirror = false, left = 0, top = 0, crop = 0 }): Random => {
  const draws = [left + crop, top + crop];
  return { float: () => (mirror ? 0 : 0.9), below: () => draws.shift() as number };
};

// Three pixels wide and high; red counts the pixels, green is 100 more.
const image: Image = {
  width: 3,
  height: 3,
  channels: 3,
  data: Uint8ClampedArray.from([1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((red) => [red, red + 100, 0])),
};

const none = {
  flip: false,
  flipVertical: false,
  quarterTurns: false,
  crop: 0,
  resizedCrop: 1,
  colour: 0,
  erase: 0,
};

const reds = ({ data }: Image): number[] => [...data].filter((_, index) => index % 3 === 0);

test('returns an equal image where everything is disabled', () => {
  const same = augment(image, createRandom(1), none);
  expect(same.data).toEqual(image.data);
  expect(same.data).not.toBe(image.data);
});

test('flips horizontally, by whole pixels', () => {
  const mirrored = augment(image, fixed({ mirror: true }), { ...none, flip: true, crop: 0 });
  expect(reds(mirrored)).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect([...mirrored.data.subarray(0, 3)]).toEqual([3, 103, 0]);
});

test('shifts, and pads by reflection without repeating the border', () => {
  const upLeft = fixed({ left: -1, top: -1, crop: 1 });
  expect(reds(augment(image, upLeft, { ...none, flip: true, crop: 1 / 3 }))).toEqual([
    5, 4, 5, 2, 1, 2, 5, 4, 5,
  ]);
  const downRight = fixed({ left: 1, top: 1, crop: 1 });
  expect(reds(augment(image, downRight, { ...none, flip: true, crop: 1 / 3 }))).toEqual([
    5, 6, 5, 8, 9, 8, 5, 6, 5,
  ]);
});

test('crops squares of at least the given area, uniformly in area and position', () => {
  const [width, height] = [20, 20];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => Math.floor(index / 3));
  const random = createRandom(5);
  const areas: number[] = [];
  const [lefts, tops] = [new Set<number>(), new Set<number>()];
  for (let i = 0; i < 4000; i++) {
    const kept = augment({ width, height, channels: 3, data }, random, {
      ...none,
      resizedCrop: 0.25,
    });
    expect(kept.height).toBe(kept.width);
    areas.push(kept.width ** 2 / height ** 2);
    // The value of a pixel is its index in the image, modulo 256.
    const places = Array.from({ length: kept.width ** 2 }, (_, at) => kept.data[at * 3]);
    const first = places[0] as number;
    const expected = places.map(
      (_, at) => (first + (at % kept.width) + width * Math.floor(at / kept.width)) % 256,
    );
    expect(places).toEqual(expected);
    if (kept.width !== 10) continue;
    lefts.add(first % width);
    tops.add(first);
  }
  expect(Math.min(...areas)).toBe(0.25);
  expect(Math.max(...areas)).toBe(1);
  const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
  expect(mean).toBeCloseTo((0.25 + 1) / 2, 1);
  expect(lefts.size).toBeGreaterThan(5);
  expect(tops.size).toBeGreaterThan(20);
});

test('takes the middle of a long image where a square of its area does not fit', () => {
  const [width, height] = [40, 20];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => Math.floor(at / 3) % width,
  );
  const random = createRandom(5);
  const lefts = { small: new Set<number>(), largest: new Set<number>() };
  let middles = 0;
  for (let i = 0; i < 1000; i++) {
    const kept = augment({ width, height, channels: 3, data }, random, {
      ...none,
      resizedCrop: 0.25,
    });
    expect(kept.width).toBeGreaterThanOrEqual(14);
    lefts[kept.width === height ? 'largest' : 'small'].add(kept.data[0] as number);
    if (kept.width === height) middles += 1;
  }
  expect([...lefts.largest]).toEqual([10]);
  expect(lefts.small.size).toBeGreaterThan(20);
  // A square has half of the image's area at most: of shares from 1/4 to 1, two thirds are larger.
  expect(middles / 1000).toBeCloseTo(2 / 3, 1);
});

test.each([
  [1, 224],
  [0.25, 224],
  [0.16, 280],
  [0.08, 396],
  [0.01, 448],
])('of images cropped to %f of their area, asks for those of an input of %i', (least, size) => {
  const asked = sizeToAugment(224, { ...none, resizedCrop: least });
  expect(asked).toBe(size);
  // The sides of a large image after reduction, and of its smallest crop.
  const shorter = 3024 / reductionFor(4032, 3024, asked);
  expect(shorter).toBeGreaterThanOrEqual(448);
  if (least >= 1 / 16) expect(shorter * Math.sqrt(least)).toBeGreaterThanOrEqual(224);
});

test('flips about half of the images, and draws every shift about equally often', () => {
  // Wide enough that all 2 × 3 × 3 outcomes differ.
  const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => index);
  const wide: Image = { width: 5, height: 3, channels: 3, data };
  const random = createRandom(5);
  const seen = new Map<string, number>();
  for (let draw = 0; draw < 1800; draw++) {
    const outcome = reds(augment(wide, random, { ...none, flip: true, crop: 1 / 3 })).join();
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect(seen.size).toBe(18);
  for (const count of seen.values()) expect(count).toBeGreaterThan(60);
});

test.each([
  [1, [7, 4, 1, 8, 5, 2, 9, 6, 3]],
  [2, [9, 8, 7, 6, 5, 4, 3, 2, 1]],
  [3, [3, 6, 9, 2, 5, 8, 1, 4, 7]],
])('rotates by %i × 90°, clockwise', (turns, expected) => {
  const below = [0, 0, turns];
  const random: Random = { float: () => 0.9, below: () => below.shift() as number };
  expect(reds(augment(image, random, { ...none, quarterTurns: true }))).toEqual(expected);
});

test('exchanges width and height of an image that is not square', () => {
  const below = [0, 0, 1];
  const random: Random = { float: () => 0.9, below: () => below.shift() as number };
  const data = Uint8ClampedArray.from([1, 2, 3, 4, 5, 6].flatMap((red) => [red, 0, 0]));
  const turned = augment({ width: 3, height: 2, channels: 3, data }, random, {
    ...none,
    quarterTurns: true,
  });
  expect([turned.width, turned.height, ...reds(turned)]).toEqual([2, 3, 4, 1, 5, 2, 6, 3]);
});

test('flips vertically', () => {
  const floats = [0.9, 0.1];
  const random: Random = { float: () => floats.shift() as number, below: () => 0 };
  const flipped = augment(image, random, { ...none, flipVertical: true });
  expect(reds(flipped)).toEqual([7, 8, 9, 4, 5, 6, 1, 2, 3]);
});

test("draws each of a square's eight symmetries about equally often", () => {
  const random = createRandom(2);
  const all = { ...none, flip: true, flipVertical: true, quarterTurns: true };
  const seen = new Map<string, number>();
  for (let draw = 0; draw < 800; draw++) {
    const outcome = reds(augment(image, random, all)).join();
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect(seen.size).toBe(8);
  for (const count of seen.values()) expect(count).toBeGreaterThan(60);
});

/** An image of one colour. */
const plain = (colour: number[], side = 32): Image => ({
  width: side,
  height: side,
  channels: 3,
  data: Uint8ClampedArray.from({ length: side * side * 3 }, (_, i) => colour[i % 3] as number),
});

/**
 * By hand: grey is 0.299·100 + 0.587·150 + 0.114·50 = 123.65. Brightness 1.2 makes it 148.38 and the
 * channels 120, 180, 60; contrast 0.9 makes these 122.84, 176.84, 68.84; saturation 1.1 the below.
 */
test('jitters brightness, contrast and saturation', () => {
  const draws = [0.9, 1, 0.25, 0.75];
  const random: Random = { float: () => draws.shift() as number, below: () => 0 };
  const { data } = augment(plain([100, 150, 50]), random, { ...none, colour: 0.2 });
  expect([...data.subarray(0, 3)]).toEqual([120, 180, 61]);
});

test('keeps contrast around the mean grey, and within 0 to 255', () => {
  const draws = [0.9, 0.5, 1, 0.5];
  const random: Random = { float: () => draws.shift() as number, below: () => 0 };
  const data = Uint8ClampedArray.from([100, 100, 100, 200, 200, 200]);
  const two: Image = { width: 2, height: 1, channels: 3, data };
  expect([...augment(two, random, { ...none, colour: 0.9 }).data]).toEqual([
    55, 55, 55, 245, 245, 245,
  ]);
});

test('erases a rectangle of 2 % to a third, with the given probability', () => {
  const random = createRandom(3);
  const areas: number[] = [];
  for (let draw = 0; draw < 400; draw++) {
    const { data } = augment(plain([7, 7, 7]), random, { ...none, erase: 0.5 });
    const changed = [...Array(1024).keys()].filter(
      (i) => data[3 * i] !== 7 || data[3 * i + 1] !== 7 || data[3 * i + 2] !== 7,
    );
    if (changed.length === 0) continue;
    const [rows, columns] = [changed.map((i) => i >> 5), changed.map((i) => i & 31)];
    const span = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
    // The whole rectangle is erased, and nothing else.
    expect(span(rows) * span(columns)).toBe(changed.length);
    areas.push(changed.length / 1024);
  }
  expect(areas.length).toBeGreaterThan(160);
  expect(areas.length).toBeLessThan(240);
  // The sides are rounded to whole pixels.
  expect(Math.min(...areas)).toBeGreaterThan(0.01);
  expect(Math.max(...areas)).toBeLessThan(0.36);
  expect(Math.max(...areas)).toBeGreaterThan(0.3);
});
