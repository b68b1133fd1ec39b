import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { foldConstants } from 'shared/fold-constants';
import type { ModelCard } from 'shared/model-card';
import { readModelDirectory } from 'shared/model-directory';
import { TrainerError } from './errors.ts';

/** A network that answers. */
export interface Network {
  /**
   * @param inputs `[n, size, size, 3]` preprocessed, kept
   * @returns probabilities `[n, classes]`; the caller disposes of them
   */
  run(inputs: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/** Loads a graph model as the Worker does: stock `tf.loadGraphModel`, its constants folded. */
export async function loadGraph(artifacts: tf.io.ModelArtifacts): Promise<Network> {
  const folded = foldConstants(artifacts);
  const graph = await tf.loadGraphModel({ load: async () => folded });
  return {
    // A graph of one output: see the exporter.
    run: (inputs) => graph.predict(inputs) as tf.Tensor,
    dispose: () => graph.dispose(),
  };
}

/**
 * Loads a model directory that the trainer wrote.
 *
 * @throws TrainerError `model_invalid`
 */
export async function loadModel(
  directory: string,
): Promise<Network & { readonly card: ModelCard; readonly version: string }> {
  try {
    const { card, version, artifacts } = await readModelDirectory(
      async (name) => new Uint8Array(await readFile(join(directory, name))),
    );
    return { card, version, ...(await loadGraph(artifacts)) };
  } catch (cause) {
    throw new TrainerError(
      'model_invalid',
      `Expected a model directory that the trainer wrote at ${directory}, but its model.json or weights are missing or damaged.`,
      cause,
    );
  }
}
