import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { swapLabels } from '../../../fixtures/labels/swap-labels.ts';
import { memoryBatches } from '../../../fixtures/memory-batches.ts';
import { backbones } from '../../backbones/registry.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { fast } from '../../config/fast.ts';
import { imageBatches, subsetOf } from '../../data/batches.ts';
import { openCifar10 } from '../../datasets/cifar.ts';
import { subset } from '../../datasets/split.ts';
import { buildNetwork } from '../../models/build-network.ts';
import { cutHead } from '../../models/head.ts';
import { computeFeatures } from '../../training/features.ts';
import { findProblems } from './find-problems.ts';
import { joinSources } from './join-sources.ts';

const { signal } = new AbortController();
const classes = 3;

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

test('lists most of the labels that were swapped in real images first', async () => {
  const { train } = await openCifar10();
  const indices = subset(
    [...Array(train.length).keys()].filter((index) => train.label(index) < classes),
    train,
    { count: 300, seed: 1 },
  );
  const size = 64;
  const { plan } = await buildNetwork({ ...fast, size }, classes);
  const images = imageBatches(
    { set: train, indices },
    { ...backbones[fast.backbone].preprocess, size },
  );
  const progress = { advance: () => {}, stop: () => {} };
  const features = await computeFeatures(cutHead(plan).trunk, images, {
    ...{ batchSize: 50, progress, signal },
  });
  const { source, swapped } = swapLabels(features, classes, 0.05, 1);
  const before = tf.memory().numTensors;
  const { labelErrors, probabilities } = await findProblems({
    ...{ features: source, classes, seed: 1, signal },
    splitOf: () => 'train',
  });
  expect(tf.memory().numTensors).toBe(before);
  expect(probabilities.length).toBe(classes * source.length);
  const first = labelErrors.slice(0, swapped.size);
  const found = first.filter(({ index }) => swapped.has(index));
  expect(found.length).toBeGreaterThanOrEqual(0.7 * swapped.size);
  const right = found.filter(({ index, suggested }) => suggested === features.label(index));
  expect(right.length).toBeGreaterThanOrEqual(0.9 * found.length);
}, 120_000);

test('finds copies in other classes and splits, outliers and thin classes', async () => {
  const many = memoryBatches(120, [8], { classes: 2, seed: 1 });
  const copies = subsetOf(many, [3, 4, 5]);
  const far = {
    ...memoryBatches(1, [8], { classes: 2 }),
    inputs: async () => tf.tensor2d([[90, -90, 90, -90, 90, -90, 90, -90]]),
  };
  const joined = joinSources([many, copies, far]);
  const features = {
    ...joined,
    // The first copy has another label, the second is in another split, the third is neither.
    label: (index: number) =>
      index === 120 ? 1 - many.label(3) : index === 123 ? 2 : joined.label(index),
  };
  const problems = await findProblems({
    ...{ features, classes, seed: 1, signal },
    splitOf: (index) => (index === 121 ? 'test' : 'train'),
  });
  const pairs = problems.duplicates.map(({ of, index }) => [of, index]);
  expect(pairs).toContainEqual([3, 120]);
  expect(pairs).toContainEqual([4, 121]);
  expect(pairs).not.toContainEqual([5, 122]);
  expect(problems.thinClasses).toEqual([{ label: 2, images: 1 }]);
});
