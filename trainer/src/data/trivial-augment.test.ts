import { createHash } from 'node:crypto';
import type { Image } from 'shared/images/image';
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../config/random.ts';
import { applyOperation, operations, trivialAugment } from './trivial-augment.ts';

const [WIDTH, HEIGHT] = [24, 16];

/** An irregular image with dark and bright values, which Python computes identically. */
const image: Image = {
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
  data: Uint8ClampedArray.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    const value = x * 37 + y * 91 + c * 53 + ((x * y) % 17) * 11 + Math.floor(x / 5) * 40;
    return ((value * (1 + c)) % 223) + 16 * (c % 2);
  }),
};

const hashOf = ({ data }: Image) => createHash('sha256').update(data).digest('hex').slice(0, 16);

/**
 * SHA-256 of the pixels that Pillow 13.0 gives at half the strength: `Image.transform(AFFINE, NEAREST)`,
 * `rotate(67.5)`, `ImageEnhance` with the factors 1.495 and 0.505, `ImageOps.posterize(5)`,
 * `solarize(127.5)`, `autocontrast` and `equalize`, which is what torchvision calls.
 */
test.each([
  ['shear-x', 1, 'e7a377cb8aa15d88'],
  ['shear-y', 1, 'e2888d3230197b2b'],
  ['shift-x', 1, '04d60df527f59827'],
  ['shift-y', 1, '955af7b2e20c89f9'],
  ['rotate', 1, '2e43616ee140e23a'],
  ['brightness', 1, '61025ad5e9438a84'],
  ['colour', 1, '002f876b594cff38'],
  ['contrast', 1, '6622cd4e9f7e6454'],
  ['sharpness', 1, 'b7e6fb431b42b7a9'],
  ['shear-x', -1, 'eb7c88f8850d1d23'],
  ['shear-y', -1, 'd6d0e229ba7fff88'],
  ['shift-x', -1, '0db93f0d020a54da'],
  ['shift-y', -1, '84c7a4d5d12ff678'],
  ['rotate', -1, '226c420e90a07ddd'],
  ['brightness', -1, '8612b398129b327c'],
  ['colour', -1, '3fcb57b00f85320c'],
  ['contrast', -1, '9c81edf6fcdd87af'],
  ['sharpness', -1, 'a571fc56f632f1f4'],
  ['posterize', 1, '6ee98505b1475527'],
  ['solarize', 1, '31891f23d4742863'],
  ['autocontrast', 1, '5aca7b4d3023e914'],
  ['equalize', 1, '02ce0fec88440381'],
  ['identity', 1, '6bb9aca7a546af72'],
] as const)('changes %s by %i as Pillow does, to the bit', (operation, sign, expected) => {
  expect(hashOf(applyOperation(image, operation, 0.5, sign))).toBe(expected);
});

test('is the identity at strength 0, except for operations without a strength', () => {
  for (const operation of operations) {
    const isFixed = operation === 'autocontrast' || operation === 'equalize';
    const changed = applyOperation(image, operation, 0, 1);
    expect(hashOf(changed) === hashOf(image), operation).toBe(!isFixed);
    expect(changed.data).not.toBe(image.data);
  }
});

test('keeps an image of one colour finite', () => {
  const plain: Image = { ...image, data: new Uint8ClampedArray(image.data.length).fill(9) };
  for (const operation of ['autocontrast', 'equalize'] as const) {
    expect(applyOperation(plain, operation, 1, 1).data).toEqual(plain.data);
  }
});

test('does not modify the fourth channel', () => {
  const data = Uint8ClampedArray.from({ length: 5 * 5 * 4 }, (_, i) => (i % 4 === 3 ? 77 : i * 2));
  for (const operation of operations.slice(6)) {
    const changed = applyOperation({ width: 5, height: 5, channels: 4, data }, operation, 0.7, 1);
    expect(
      [...changed.data].filter((_, i) => i % 4 === 3),
      operation,
    ).toEqual(Array(25).fill(77));
  }
});

test('draws the operation, its strength and its sign', () => {
  const below = [operations.indexOf('posterize'), 15];
  const random: Random = { float: () => 0.1, below: () => below.shift() as number };
  expect(hashOf(trivialAugment(image, random))).toBe(
    hashOf(applyOperation(image, 'posterize', 0.5, -1)),
  );
  const drawn = createRandom(1);
  const seen = new Set(Array.from({ length: 200 }, () => hashOf(trivialAugment(image, drawn))));
  // Fourteen operations, most with dozens of outcomes.
  expect(seen.size).toBeGreaterThan(100);
});
