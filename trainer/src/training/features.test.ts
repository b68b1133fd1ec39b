import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan, type Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import {
  computeFeatures,
  countShards,
  type FeatureShard,
  type FeatureStore,
  storeFeatures,
} from './features.ts';

const source = memoryBatches(7, [TINY_SIZE, TINY_SIZE, 3]);
const random = createRandom(1);
const never = new AbortController().signal;
let trunk: Plan;
let done: number;
let stopped: boolean;
const progress = {
  advance: (images: number) => {
    done += images;
  },
  stop: () => {
    stopped = true;
  },
};

const options = { batchSize: 7, progress, signal: never };

beforeAll(async () => {
  await startBackend('cpu', () => {});
  trunk = cutPlan(fusePlan(buildTinyNetwork()), 'avg_pool').trunk;
});

test("gives the trunk's outputs for any choice of examples, and their labels", async () => {
  done = 0;
  stopped = false;
  const before = tf.memory().numTensors;
  const features = await computeFeatures(trunk, source, { ...options, batchSize: 3 });
  expect(tf.memory().numTensors).toBe(before);
  expect([done, stopped]).toEqual([7, true]);
  expect(features.length).toBe(7);

  const chosen = [6, 0, 5, 0];
  const rows = await features.inputs(chosen, random);
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(rows.shape).toEqual([4, 4]);
  const photos = await source.inputs(chosen, random);
  expect(largestDifference(rows, runPlan(trunk, photos))).toBeLessThan(1e-6);
  expect(chosen.map((index) => features.label(index))).toEqual([0, 0, 2, 0]);
});

test('returns the same features each time', async () => {
  const features = await computeFeatures(trunk, source, options);
  const first = await features.inputs([3], random);
  const values = [...first.dataSync()];
  first.dispose();
  expect([...(await features.inputs([3], random)).dataSync()]).toEqual(values);
});

test('stops before the next batch when the signal is aborted', async () => {
  done = 0;
  stopped = false;
  const controller = new AbortController();
  const interrupting = {
    ...source,
    inputs: (indices: readonly number[]) => {
      controller.abort(new Error('Stopped.'));
      return source.inputs(indices, random);
    },
  };
  const computing = computeFeatures(trunk, interrupting, {
    batchSize: 2,
    progress,
    signal: controller.signal,
  });
  await expect(computing).rejects.toThrow('Stopped.');
  // A progress bar that is not stopped keeps the process alive.
  expect([done, stopped]).toEqual([2, true]);
});

test('computes only the shards that the store lacks', async () => {
  const whole = await computeFeatures(trunk, source, options);
  const shards = new Map<number, FeatureShard>();
  const saved: number[] = [];
  const store: FeatureStore = {
    load: async (shard) => shards.get(shard),
    async save(shard, features) {
      saved.push(shard);
      shards.set(shard, features);
    },
  };
  const sharded = { ...options, batchSize: 2, shardSize: 3, store };
  await computeFeatures(trunk, source, sharded);
  expect(saved).toEqual([0, 1, 2]);
  expect([...shards.values()].map(({ shape }) => shape)).toEqual([
    [3, 4],
    [3, 4],
    [1, 4],
  ]);
  shards.delete(1);
  // With another number of examples.
  shards.set(2, { shape: [2, 4], values: new Float32Array(8) });
  done = 0;
  const features = await computeFeatures(trunk, source, sharded);
  expect(saved).toEqual([0, 1, 2, 1, 2]);
  expect(done).toBe(7);
  const all = [5, 2, 6, 0, 1, 3, 4];
  const [found, wanted] = [await features.inputs(all, random), await whole.inputs(all, random)];
  expect(largestDifference(found, wanted)).toBeLessThan(1e-6);
  tf.dispose([found, wanted]);
});

test('shares of a source together are the shards of one that computes all', async () => {
  const storeIn = (shards: Map<number, FeatureShard>): FeatureStore => ({
    load: async (shard) => shards.get(shard),
    save: async (shard, features) => void shards.set(shard, features),
  });
  const [one, together] = [new Map(), new Map()] as Map<number, FeatureShard>[] as [
    Map<number, FeatureShard>,
    Map<number, FeatureShard>,
  ];
  const sharded = { ...options, batchSize: 2, shardSize: 3 };
  await computeFeatures(trunk, source, { ...sharded, store: storeIn(one) });
  expect(countShards(source, 3)).toBe(one.size);
  const before = tf.memory().numTensors;
  const store = storeIn(together);
  for (const share of [2, 0, 1]) {
    const isMine = (shard: number) => shard % 3 === share;
    expect(await storeFeatures(trunk, source, isMine, { ...sharded, store })).toBe(1);
    // Nothing is computed twice.
    expect(await storeFeatures(trunk, source, isMine, { ...sharded, store })).toBe(0);
  }
  expect(tf.memory().numTensors).toBe(before);
  for (const [shard, features] of one) expect(together.get(shard)).toEqual(features);
});
