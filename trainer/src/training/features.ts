import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../config/random.ts';
import { type BatchSource, batchIndices, withPrefetch } from '../data/batches.ts';
import { labelsFrom } from '../datasets/dataset.ts';
import type { Progress } from '../files/progress.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';

/** The trunk's outputs for consecutive examples. */
export interface FeatureShard {
  /** `[n, …]` */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Keeps features from one run to the next. */
export interface FeatureStore {
  /** @returns undefined where the shard is missing or damaged */
  load(shard: number): Promise<FeatureShard | undefined>;
  save(shard: number, features: FeatureShard): Promise<void>;
}

export interface FeatureOptions {
  readonly batchSize: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Without a store, features are computed in every run. */
  readonly store?: FeatureStore;
  /** Examples per stored shard: as many are lost where the process is killed. */
  readonly shardSize?: number;
}

/** Few enough that several machines have a part of a small set each; 1.3 MB with 1,280 channels. */
const SHARD_SIZE = 256;

/**
 * Runs the trunk over every example once. The trunk is frozen in stage 1, so each epoch would compute
 * the same features again.
 *
 * @returns a source whose inputs are the trunk's outputs, `[n, channels]`
 * @throws the signal's reason
 */
export async function computeFeatures(
  trunk: Plan,
  source: BatchSource,
  { batchSize, progress, signal, store, shardSize = SHARD_SIZE }: FeatureOptions,
): Promise<BatchSource> {
  const shards: FeatureShard[] = [];
  try {
    for (const [number, indices] of [...batchIndices(source.length, shardSize)].entries()) {
      const kept = await store?.load(number);
      if (kept?.shape[0] === indices.length) {
        progress.advance(indices.length);
        shards.push(kept);
        continue;
      }
      const shard = await computeShard(trunk, source, indices, { batchSize, progress, signal });
      await store?.save(number, shard);
      shards.push(shard);
    }
  } finally {
    progress.stop();
  }
  return {
    length: source.length,
    ...labelsFrom(source),
    async inputs(indices) {
      const shape = shards[0]?.shape.slice(1) ?? [];
      const width = tf.util.sizeFromShape(shape);
      const rows = new Float32Array(indices.length * width);
      for (const [at, index] of indices.entries()) {
        const { values } = shards[Math.floor(index / shardSize)] as FeatureShard;
        const begin = (index % shardSize) * width;
        rows.set(values.subarray(begin, begin + width), at * width);
      }
      return tf.tensor(rows, [indices.length, ...shape]);
    },
  };
}

/**
 * Computes some shards of what {@link computeFeatures} is going to load, as far as the store lacks them.
 *
 * @param isMine whether to compute a shard, by its number
 * @returns how many it computed
 * @throws the signal's reason
 */
export async function storeFeatures(
  trunk: Plan,
  source: BatchSource,
  isMine: (shard: number) => boolean,
  options: FeatureOptions & { readonly store: FeatureStore },
): Promise<number> {
  const { progress, store, shardSize = SHARD_SIZE } = options;
  let computed = 0;
  try {
    for (const [number, indices] of [...batchIndices(source.length, shardSize)].entries()) {
      if (!isMine(number)) continue;
      if ((await store.load(number))?.shape[0] === indices.length) continue;
      await store.save(number, await computeShard(trunk, source, indices, options));
      computed += 1;
    }
  } finally {
    progress.stop();
  }
  return computed;
}

/** How many shards a source's features have. */
export function countShards({ length }: BatchSource, shardSize = SHARD_SIZE): number {
  return Math.ceil(length / shardSize);
}

async function computeShard(
  trunk: Plan,
  source: BatchSource,
  shard: readonly number[],
  { batchSize, progress, signal }: FeatureOptions,
): Promise<FeatureShard> {
  let values = new Float32Array();
  let shape: number[] = [];
  const chosen = [...batchIndices(shard.length, batchSize)].map((places) =>
    places.map((place) => shard[place] as number),
  );
  for (const indices of withPrefetch(source, chosen)) {
    signal.throwIfAborted();
    const inputs = await source.inputs(indices, createRandom(0));
    const batch = runPlan(trunk, inputs);
    shape = batch.shape.slice(1);
    const width = tf.util.sizeFromShape(shape);
    if (values.length === 0) values = new Float32Array(shard.length * width);
    values.set(
      await batch.data<'float32'>(),
      ((indices[0] as number) - (shard[0] as number)) * width,
    );
    tf.dispose([inputs, batch]);
    progress.advance(indices.length);
  }
  return { shape: [shard.length, ...shape], values };
}
