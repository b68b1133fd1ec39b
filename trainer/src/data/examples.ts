import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { Image } from 'shared/images/image';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { createRandom, type Random, shuffle } from '../config/random.ts';
import type { Part } from '../datasets/split.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';

/** What a stage learns from, in batches. */
export interface Examples {
  readonly length: number;
  /** Class of the example at `index`. */
  label(index: number): number;
  /**
   * @param random of the augmentation
   * @param size side of the images, where it should be another than the examples have
   * @returns `[n, …]` float32, what the stage's plan takes in; the caller disposes of it
   */
  inputs(indices: readonly number[], random: Random, size?: number): Promise<tf.Tensor>;
  /** Says which examples will be asked for next, so that they can be read meanwhile. */
  expect?(indices: readonly number[]): void;
}

/** How training changes images. */
export interface Change {
  /** Side of the network's input that large ones are reduced for; the network's where left out. */
  readonly size?: number;
  augment(image: Image, random: Random): Image;
}

/**
 * Photos as the network takes them, `[n, size, size, 3]`.
 *
 * @param change left out where they should be what the Worker would make of their files
 */
export function photoExamples(
  { set, indices: chosen }: Part,
  spec: PreprocessSpec,
  change?: Change,
): Examples {
  const readSize = change?.size ?? spec.size;
  return {
    length: chosen.length,
    label: (index) => set.label(chosen[index] as number),
    expect: (indices) =>
      set.expect?.(
        indices.map((index) => chosen[index] as number),
        readSize,
      ),
    async inputs(indices, random, size = spec.size) {
      // Nothing else here waits for the event loop, and a Ctrl-C must get in.
      await setImmediate();
      const photoBatch = new Float32Array(indices.length * size * size * 3);
      for (const [at, index] of indices.entries()) {
        const read = await set.image(chosen[index] as number, readSize);
        const image = change?.augment(read, random) ?? read;
        const begin = at * size * size * 3;
        preprocess(image, { ...spec, size }, photoBatch.subarray(begin, begin + size * size * 3));
      }
      return tf.tensor4d(photoBatch, [indices.length, size, size, 3]);
    },
  };
}

/** Some of the examples, by their indices. */
export function someOf(examples: Examples, chosen: readonly number[]): Examples {
  const those = (indices: readonly number[]) => indices.map((index) => chosen[index] as number);
  return {
    length: chosen.length,
    label: (index) => examples.label(chosen[index] as number),
    inputs: (indices, random, size) => examples.inputs(those(indices), random, size),
    expect: (indices) => examples.expect?.(those(indices)),
  };
}

/** Inputs of some of the examples, drawn: in a folder, the first ones are all of one class. */
export function drawInputs(examples: Examples, count: number, seed: number): Promise<tf.Tensor> {
  const random = createRandom(seed);
  const drawn = shuffle(Array(examples.length).keys(), random).slice(0, count);
  return examples.inputs(drawn, random);
}

/** Examples as a plan puts them out, computed anew each time. */
export function throughPlan(plan: Plan, examples: Examples): Examples {
  return {
    ...examples,
    async inputs(indices, random, size) {
      const inputs = await examples.inputs(indices, random, size);
      const outputs = runPlan(plan, inputs);
      inputs.dispose();
      return outputs;
    },
  };
}

/**
 * The class of each example as a distribution, `[n, classes]` float32.
 *
 * @param smoothing share of each that goes to all classes alike (Szegedy et al. 2016, §7)
 * @param weights what the examples of each class are multiplied with; 1 where left out
 */
export function truthOf(
  examples: Examples,
  indices: readonly number[],
  classes: number,
  smoothing = 0,
  weights?: readonly number[],
): tf.Tensor2D {
  const rows = new Float32Array(indices.length * classes);
  for (const [at, index] of indices.entries()) {
    const label = examples.label(index);
    const weight = weights?.[label] ?? 1;
    rows.fill((weight * smoothing) / classes, at * classes, (at + 1) * classes);
    rows[at * classes + label] = weight * (1 - smoothing + smoothing / classes);
  }
  return tf.tensor2d(rows, [indices.length, classes]);
}

/**
 * Weights with which each class counts as if all had as many examples; their mean over the
 * examples is 1 (scikit-learn's `balanced`). A class without examples has 0.
 */
export function balancedWeights(examples: Examples, classes: number): number[] {
  const counts: number[] = Array(classes).fill(0);
  for (let index = 0; index < examples.length; index++) {
    const label = examples.label(index);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count > 0 ? examples.length / (present * count) : 0));
}

/** Batches of examples, each expected while the one before it is worked on. */
export function* expecting(
  examples: Pick<Examples, 'expect'>,
  chosen: readonly (readonly number[])[],
): Generator<readonly number[]> {
  examples.expect?.(chosen[0] ?? []);
  for (const [at, indices] of chosen.entries()) {
    examples.expect?.(chosen[at + 1] ?? []);
    yield indices;
  }
}

/** 0 to `length` in runs of at most `size`. */
export function* batches(length: number, size: number): Generator<number[]> {
  for (let begin = 0; begin < length; begin += size) {
    yield Array.from({ length: Math.min(size, length - begin) }, (_, i) => begin + i);
  }
}
