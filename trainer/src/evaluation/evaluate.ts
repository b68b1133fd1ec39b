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
  /** `[n, classes]`: 1 for each label of each example; absent where each has one label. */
  readonly targets?: Uint8Array;
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
  let targets: Uint8Array | undefined;
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
        targets = targetsIn(source, classes);
      }
      probabilities.set(await outputs.data<'float32'>(), (indices[0] as number) * classes);
      tf.dispose([inputs, outputs]);
      const predictions = { classes, probabilities, labels, ...(targets && { targets }) };
      for (const index of indices) right += shareRight(predictions, index);
      done += indices.length;
      progress.advance(indices.length, [accuracyNote('accuracy', right / done)]);
    }
  } finally {
    progress.stop();
  }
  return { classes, probabilities, labels, ...(targets && { targets }) };
}

/** `[n, classes]`: 1 for each label of each example; undefined where each has one label. */
export function targetsIn(
  source: Pick<BatchSource, 'labels' | 'length'>,
  classes: number,
): Uint8Array | undefined {
  if (!source.labels) return undefined;
  const targets = new Uint8Array(source.length * classes);
  for (let index = 0; index < source.length; index++) {
    for (const label of source.labels(index)) targets[index * classes + label] = 1;
  }
  return targets;
}

/** 1 for an example whose label is predicted, 0 for another; of several labels, the share predicted or absent. */
function shareRight(predictions: Predictions, index: number): number {
  const { classes, probabilities, labels, targets } = predictions;
  if (!targets) return topPrediction(predictions, index).predicted === labels[index] ? 1 : 0;
  const begin = index * classes;
  const right = targets
    .subarray(begin, begin + classes)
    .filter((target, at) => (target === 1) === (probabilities[begin + at] as number) >= 0.5);
  return right.length / classes;
}
