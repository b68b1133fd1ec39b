import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../config/random.ts';
import { type BatchSource, batchIndices, withPrefetch } from '../data/batches.ts';
import { accuracyNote, type Progress } from '../files/progress.ts';
import { topPrediction } from './metrics.ts';

/** Batch size for inference. */
export const INFERENCE_BATCH = 64;

/** A network's predictions for labelled examples. */
export interface Predictions {
  readonly classes: number;
  /** `[n, classes]` in row-major order, 0–1. */
  readonly probabilities: Float32Array;
  /** `[n]`, the class of each example. */
  readonly labels: Int32Array;
}

export interface EvaluateOptions {
  /** Is stopped in the end, also after an error. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly batchSize?: number;
}

/**
 * Runs a network on all examples of a source, in order.
 *
 * @param run maps inputs `[n, …]` to probabilities `[n, classes]`
 * @throws the signal's reason
 */
export async function evaluate(
  run: (inputs: tf.Tensor) => tf.Tensor,
  source: BatchSource,
  { progress, signal, batchSize = INFERENCE_BATCH }: EvaluateOptions,
): Promise<Predictions> {
  let classes = 0;
  let probabilities = new Float32Array();
  const labels = Int32Array.from({ length: source.length }, (_, index) => source.label(index));
  let right = 0;
  let done = 0;
  try {
    for (const indices of withPrefetch(source, [...batchIndices(source.length, batchSize)])) {
      signal.throwIfAborted();
      const inputs = await source.inputs(indices, createRandom(0));
      const outputs = tf.tidy(() => run(inputs));
      classes = outputs.shape[1] as number;
      if (probabilities.length === 0) {
        probabilities = new Float32Array(source.length * classes);
      }
      probabilities.set(await outputs.data<'float32'>(), (indices[0] as number) * classes);
      tf.dispose([inputs, outputs]);
      const predictions = { classes, probabilities, labels };
      for (const index of indices) {
        if (topPrediction(predictions, index).predicted === labels[index]) right += 1;
      }
      done += indices.length;
      progress.advance(indices.length, [accuracyNote('accuracy', right / done)]);
    }
  } finally {
    progress.stop();
  }
  return { classes, probabilities, labels };
}
