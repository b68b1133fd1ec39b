import * as tf from '@tensorflow/tfjs';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { startBackend } from '../src/backends/start-backend.ts';
import { loadGraph } from '../src/models/load-model.ts';
import { signedValues } from './formula.ts';

/** The largest difference of probabilities; float32 sums in another order differ by less. */
const TOLERANCE = 1e-5;

/**
 * Compares a model directory, computed in float32, with what TensorFlow computes from its files.
 *
 * @param run has TensorFlow compute, as parity/graph_model.py prints it
 * @returns a line for each difference
 */
export async function checkGraphModel(
  directory: string,
  run: (directory: string) => Promise<string>,
): Promise<string[]> {
  await startBackend('cpu', () => {});
  const line = (await run(directory)).split('\n').find((text) => text.startsWith('{')) ?? '';
  const { probabilities } = JSON.parse(line) as { probabilities: number[] };
  const { card, artifacts } = await readModelDirectory(modelFiles(directory));
  const model = await loadGraph(artifacts);
  const { size } = card.preprocess;
  const ours = tf.tidy(() =>
    model.run(tf.tensor(signedValues('input', size * size * 3), [1, size, size, 3])).dataSync(),
  );
  model.dispose();
  if (ours.length !== probabilities.length) return [`${probabilities.length} probabilities`];
  const furthest = Math.max(...probabilities.map((p, at) => Math.abs(p - (ours[at] as number))));
  return furthest < TOLERANCE ? [] : [`a probability is ${furthest} off`];
}
