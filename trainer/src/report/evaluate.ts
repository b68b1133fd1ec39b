import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../datasets/random.ts';
import { batches, type Examples } from '../stages/examples.ts';
import type { Progress } from './progress.ts';

/**
 * Top-1 accuracy, 0–1.
 *
 * @param run from inputs `[n, …]` to scores `[n, classes]`
 * @param progress taken away in the end, in any case
 */
export async function evaluate(
  run: (inputs: tf.Tensor) => tf.Tensor,
  examples: Examples,
  batchSize: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  let right = 0;
  try {
    for (const indices of batches(examples.length, batchSize)) {
      signal.throwIfAborted();
      const inputs = await examples.inputs(indices, createRandom(0));
      const answers = tf.tidy(() => run(inputs).argMax(1));
      const classes = await answers.data<'int32'>();
      right += indices.filter((index, at) => classes[at] === examples.label(index)).length;
      tf.dispose([inputs, answers]);
      progress.advance(indices.length);
    }
  } finally {
    progress.stop();
  }
  return right / examples.length;
}
