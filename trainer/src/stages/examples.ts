import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { Picture, PreprocessSpec } from 'shared/preprocess';
import { preprocess } from 'shared/preprocess-node';
import type { Random } from '../datasets/random.ts';
import type { Part } from '../datasets/split.ts';

/** What a stage learns from, in batches. */
export interface Examples {
  readonly length: number;
  /** Class of the example at `index`. */
  label(index: number): number;
  /**
   * @param random of the augmentation
   * @param size side of the pictures, where it should be another than the examples have
   * @returns `[n, …]` float32, what the stage's plan takes in; the caller disposes of it
   */
  inputs(indices: readonly number[], random: Random, size?: number): Promise<tf.Tensor>;
}

/**
 * Photos as the network takes them, `[n, size, size, 3]`.
 *
 * @param augment left out where pictures should stay as they are
 */
export function photoExamples(
  { set, indices: chosen }: Part,
  spec: PreprocessSpec,
  augment: (picture: Picture, random: Random) => Picture = (picture) => picture,
): Examples {
  return {
    length: chosen.length,
    label: (index) => set.label(chosen[index] as number),
    async inputs(indices, random, size = spec.size) {
      // Nothing else here waits for the event loop, and a Ctrl-C must get in.
      await setImmediate();
      const photoBatch = new Float32Array(indices.length * size * size * 3);
      for (const [at, index] of indices.entries()) {
        const picture = augment(await set.picture(chosen[index] as number), random);
        const begin = at * size * size * 3;
        preprocess(picture, { ...spec, size }, photoBatch.subarray(begin, begin + size * size * 3));
      }
      return tf.tensor4d(photoBatch, [indices.length, size, size, 3]);
    },
  };
}

/**
 * The class of each example as a distribution, `[n, classes]` float32.
 *
 * @param smoothing share of each that goes to all classes alike (Szegedy et al. 2016, §7)
 */
export function truthOf(
  examples: Examples,
  indices: readonly number[],
  classes: number,
  smoothing = 0,
): tf.Tensor2D {
  const rows = new Float32Array(indices.length * classes).fill(smoothing / classes);
  for (const [at, index] of indices.entries()) {
    rows[at * classes + examples.label(index)] = 1 - smoothing + smoothing / classes;
  }
  return tf.tensor2d(rows, [indices.length, classes]);
}

/** 0 to `length` in runs of at most `size`. */
export function* batches(length: number, size: number): Generator<number[]> {
  for (let begin = 0; begin < length; begin += size) {
    yield Array.from({ length: Math.min(size, length - begin) }, (_, i) => begin + i);
  }
}
