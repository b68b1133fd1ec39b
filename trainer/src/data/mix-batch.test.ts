import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { fast } from '../config/fast.ts';
import { createRandom, type Random } from '../config/random.ts';
import { mixBatch } from './mix-batch.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const off = { probability: 0, alpha: 1 };
const on = { probability: 1, alpha: 1 };
const plain = fast.augment;

/** Two images of 4×4, all 0 and all 1, of classes 0 and 1. */
const batch = () => ({
  inputs: tf.tidy(() => tf.stack([tf.zeros([4, 4, 3]), tf.ones([4, 4, 3])])),
  targets: tf.tensor2d([
    [1, 0],
    [0, 1],
  ]),
});

/** Returns the given numbers one after the other. */
function draws(floats: number[], whole: number[] = []): Random {
  return { float: () => floats.shift() as number, below: () => whole.shift() as number };
}

test('blends images and targets in the same proportion', () => {
  // A uniform pair of 0.2 and 0.6 is a quarter.
  const mixed = mixBatch(batch(), { ...plain, mixup: on, cutmix: off }, draws([0, 0.2, 0.6]));
  expect([...mixed.inputs.dataSync()]).toEqual([...Array(48).fill(0.25), ...Array(48).fill(0.75)]);
  expect(mixed.targets.arraySync()).toEqual([
    [0.75, 0.25],
    [0.25, 0.75],
  ]);
});

test('pastes a rectangle of the other image, and mixes the targets by its area', () => {
  // A quarter of the area is 2×2; its middle is at (0, 3), so that half is above the image.
  const random = draws([0, 0.2, 0.6], [0, 3]);
  const mixed = mixBatch(batch(), { ...plain, mixup: off, cutmix: on }, random);
  const reds = [...mixed.inputs.dataSync()].filter((_, i) => i % 3 === 0);
  const inside = [0, 0, 1, 1, ...Array(12).fill(0)];
  expect(reds).toEqual([...inside, ...inside.map((value) => 1 - value)]);
  expect(mixed.targets.arraySync()).toEqual([
    [0.875, 0.125],
    [0.125, 0.875],
  ]);
});

test('mixes batches as often as the probabilities say', () => {
  const random = createRandom(1);
  const augment = {
    ...plain,
    mixup: { probability: 0.2, alpha: 0.2 },
    cutmix: { probability: 0.3, alpha: 1 },
  };
  let alone = 0;
  for (let i = 0; i < 300; i++) {
    const given = batch();
    const mixed = mixBatch(given, augment, random);
    if (mixed.inputs === given.inputs) alone += 1;
    // Each row is still a distribution.
    for (const row of mixed.targets.arraySync()) {
      expect((row[0] as number) + (row[1] as number)).toBeCloseTo(1, 6);
    }
    tf.dispose([mixed.inputs, mixed.targets]);
  }
  expect(alone).toBeGreaterThan(120);
  expect(alone).toBeLessThan(180);
});

test('disposes of the batch that it replaces', () => {
  for (const [mixup, cutmix] of [
    [on, off],
    [off, on],
    [off, off],
  ] as const) {
    const before = tf.memory().numTensors;
    const mixed = mixBatch(batch(), { ...plain, mixup, cutmix }, createRandom(2));
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([mixed.inputs, mixed.targets]);
  }
});
