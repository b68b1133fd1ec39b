import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { Image } from 'shared/images/image';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { createRandom, type Random, shuffle } from '../config/random.ts';
import { allLabels, type Labelled, labelsFrom } from '../datasets/dataset.ts';
import type { Part } from '../datasets/split.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';

/** Labelled examples that are read in batches: what a stage trains on, or what is evaluated. */
export interface BatchSource extends Labelled {
  /** Number of examples. */
  readonly length: number;
  /**
   * @param random for the augmentation
   * @param size side of the images in pixels, where it differs from the source's own
   * @returns `[n, …]` float32, the input of the stage's plan; the caller disposes of it
   */
  inputs(indices: readonly number[], random: Random, size?: number): Promise<tf.Tensor>;
  /** Announces the examples of the next batch, so that they are read in the background. */
  prefetch?(indices: readonly number[]): void;
}

/** How images are augmented in training. */
export interface Augmenter {
  /** Side of the network's input for which large images are reduced; the network's own by default. */
  readonly size?: number;
  augment(image: Image, random: Random): Image;
}

/**
 * The images of a split as batches of network inputs, `[n, size, size, 3]`.
 *
 * @param augmenter leave it out to get exactly what the Worker computes from the same files
 */
export function imageBatches(
  { set, indices: chosen }: Part,
  spec: PreprocessSpec,
  augmenter?: Augmenter,
): BatchSource {
  const readSize = augmenter?.size ?? spec.size;
  return {
    length: chosen.length,
    ...labelsFrom(set, (index) => chosen[index] as number),
    prefetch: (indices) =>
      set.prefetch?.(
        indices.map((index) => chosen[index] as number),
        readSize,
      ),
    async inputs(indices, random, size = spec.size) {
      // Nothing else here yields to the event loop, which must see a Ctrl-C.
      await setImmediate();
      const photoBatch = new Float32Array(indices.length * size * size * 3);
      for (const [at, index] of indices.entries()) {
        const read = await set.image(chosen[index] as number, readSize);
        const image = augmenter?.augment(read, random) ?? read;
        const begin = at * size * size * 3;
        preprocess(image, { ...spec, size }, photoBatch.subarray(begin, begin + size * size * 3));
      }
      return tf.tensor4d(photoBatch, [indices.length, size, size, 3]);
    },
  };
}

/** A source of some of the examples, chosen by their indices. */
export function subsetOf(source: BatchSource, chosen: readonly number[]): BatchSource {
  const originals = (indices: readonly number[]) => indices.map((index) => chosen[index] as number);
  return {
    length: chosen.length,
    ...labelsFrom(source, (index) => chosen[index] as number),
    inputs: (indices, random, size) => source.inputs(originals(indices), random, size),
    prefetch: (indices) => source.prefetch?.(originals(indices)),
  };
}

/** Inputs of a random sample. In a folder, the first images all belong to one class. */
export function drawInputs(source: BatchSource, count: number, seed: number): Promise<tf.Tensor> {
  const random = createRandom(seed);
  const drawn = shuffle(Array(source.length).keys(), random).slice(0, count);
  return source.inputs(drawn, random);
}

/** A source whose inputs are the plan's outputs, computed again for every batch. */
export function throughPlan(plan: Plan, source: BatchSource): BatchSource {
  return {
    ...source,
    async inputs(indices, random, size) {
      const inputs = await source.inputs(indices, random, size);
      const outputs = runPlan(plan, inputs);
      inputs.dispose();
      return outputs;
    },
  };
}

/**
 * The targets of each example, `[n, classes]` float32: a probability distribution; where an example may have
 * several labels, a probability of each label.
 *
 * @param smoothing label smoothing ε, 0–1 (Szegedy et al. 2016, §7)
 * @param weights of the classes, by which the targets are multiplied; 1 by default
 */
export function targetsOf(
  source: BatchSource,
  indices: readonly number[],
  classes: number,
  smoothing = 0,
  weights?: readonly number[],
): tf.Tensor2D {
  const rows = new Float32Array(indices.length * classes);
  for (const [at, index] of indices.entries()) {
    const labels = allLabels(source, index);
    // Several labels are weighted in the loss, where their absence counts too.
    const weight = source.labels ? 1 : (weights?.[labels[0] as number] ?? 1);
    rows.fill((weight * smoothing) / classes, at * classes, (at + 1) * classes);
    for (const label of labels) {
      rows[at * classes + label] = weight * (1 - smoothing + smoothing / classes);
    }
  }
  return tf.tensor2d(rows, [indices.length, classes]);
}

/**
 * Class weights that make every class contribute the same to the loss; their mean over the examples' labels
 * is 1 (scikit-learn's `balanced`). The weight of a class without examples is 0.
 */
export function balancedWeights(source: BatchSource, classes: number): number[] {
  const counts: number[] = Array(classes).fill(0);
  for (let index = 0; index < source.length; index++) {
    for (const label of allLabels(source, index)) counts[label] = (counts[label] ?? 0) + 1;
  }
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (count > 0 ? total / (present * count) : 0));
}

/** Yields batches of indices, each prefetched while the one before it is processed. */
export function* withPrefetch(
  source: Pick<BatchSource, 'prefetch'>,
  batches: readonly (readonly number[])[],
): Generator<readonly number[]> {
  source.prefetch?.(batches[0] ?? []);
  for (const [at, indices] of batches.entries()) {
    source.prefetch?.(batches[at + 1] ?? []);
    yield indices;
  }
}

/** The indices from 0 to `length` in batches of at most `size`. */
export function* batchIndices(length: number, size: number): Generator<number[]> {
  for (let begin = 0; begin < length; begin += size) {
    yield Array.from({ length: Math.min(size, length - begin) }, (_, i) => begin + i);
  }
}
