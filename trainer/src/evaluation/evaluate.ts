import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../config/random.ts';
import { type BatchSource, batchIndices, withPrefetch } from '../data/batches.ts';
import type { Progress } from '../files/progress.ts';

/** Images a step where no gradients are kept. */
export const INFERENCE_BATCH = 64;

/** What a network answers to examples whose classes are known. */
export interface Predictions {
  readonly classes: number;
  /** `[n, classes]`, row by row, 0–1. */
  readonly probabilities: Float32Array;
  /** `[n]`, the classes that would be right. */
  readonly labels: Int32Array;
}

export interface EvaluateOptions {
  /** Taken away in the end, in any case. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly batchSize?: number;
}

/**
 * Runs a network over all examples, in order, and keeps its answers.
 *
 * @param run from inputs `[n, …]` to probabilities `[n, classes]`
 */
export async function evaluate(
  run: (inputs: tf.Tensor) => tf.Tensor,
  source: BatchSource,
  { progress, signal, batchSize = INFERENCE_BATCH }: EvaluateOptions,
): Promise<Predictions> {
  let classes = 0;
  let probabilities = new Float32Array();
  try {
    for (const indices of withPrefetch(source, [...batchIndices(source.length, batchSize)])) {
      signal.throwIfAborted();
      const inputs = await source.inputs(indices, createRandom(0));
      const answers = tf.tidy(() => run(inputs));
      classes = answers.shape[1] as number;
      if (probabilities.length === 0) {
        probabilities = new Float32Array(source.length * classes);
      }
      probabilities.set(await answers.data<'float32'>(), (indices[0] as number) * classes);
      tf.dispose([inputs, answers]);
      progress.advance(indices.length);
    }
  } finally {
    progress.stop();
  }
  const labels = Int32Array.from({ length: source.length }, (_, index) => source.label(index));
  return { classes, probabilities, labels };
}
