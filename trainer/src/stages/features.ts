import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../datasets/random.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import type { Progress } from '../report/progress.ts';
import { batches, type Examples } from './examples.ts';

/**
 * Runs the trunk over every example once. In stage 1 the trunk does not move, so each epoch
 * would compute the same again.
 *
 * @returns examples whose inputs are `[n, channels]`, the trunk's outputs
 */
export async function computeFeatures(
  trunk: Plan,
  examples: Examples,
  batchSize: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Examples> {
  let channels = 0;
  let features = new Float32Array();
  try {
    for (const indices of batches(examples.length, batchSize)) {
      signal.throwIfAborted();
      const inputs = await examples.inputs(indices, createRandom(0));
      const batch = runPlan(trunk, inputs);
      channels = batch.shape[1] as number;
      if (features.length === 0) features = new Float32Array(examples.length * channels);
      features.set(await batch.data<'float32'>(), (indices[0] as number) * channels);
      tf.dispose([inputs, batch]);
      progress.advance(indices.length);
    }
  } finally {
    progress.stop();
  }
  return {
    length: examples.length,
    label: (index) => examples.label(index),
    async inputs(indices) {
      const rows = new Float32Array(indices.length * channels);
      for (const [at, index] of indices.entries()) {
        rows.set(features.subarray(index * channels, (index + 1) * channels), at * channels);
      }
      return tf.tensor2d(rows, [indices.length, channels]);
    },
  };
}
