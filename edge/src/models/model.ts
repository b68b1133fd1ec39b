import type { ModelCard } from 'shared/contract/model-card';
import { foldGraph } from 'shared/inference/fold-constants';
import { type ActivationMap, activationMap } from 'shared/inference/graph/class-activation';
import { readArtifacts } from 'shared/inference/model-directory';
import { createNetwork } from 'shared/inference/network';
import type { Env } from '../env.ts';
import { SharedResults } from '../isolate/shared-results.ts';
import { callRecorder, startBackend } from './backend.ts';
import { readModelFile } from './model-source.ts';
import { loadModelCard } from './models-index.ts';

/** A loaded model. */
export interface Model {
  readonly card: ModelCard;
  readonly version: string;
  /**
   * `[size, size, 3]` float32, into which each image is preprocessed. All requests use the same memory,
   * since the system would have to find and clear 0.6 MB for each.
   */
  readonly input: Float32Array;
  /**
   * @param input `[size, size, 3]` float32, preprocessed as the card says
   * @returns `[classes]` probabilities, and after them the score of a model that says which images
   *   are known
   */
  classify(input: Float32Array): Float32Array;
  /** The same, with a function that explains a label; absent where the head has no such maps. */
  readonly explain?: ((input: Float32Array) => Explained) | undefined;
  /**
   * @returns `[width]`, the features that the last dense layer reads, the caller's own; absent where a model ends
   *   in another way
   */
  readonly embed?: ((input: Float32Array) => Float32Array) | undefined;
}

/** What a model says of an image, and why. */
export interface Explained {
  readonly outputs: Float32Array;
  /** @param label its index */
  mapOf(label: number): ActivationMap;
}

const loaded = new SharedResults<Model & { dispose(): void }>({
  dispose: (model) => model.dispose(),
  whenFull: 'Too many models are in use',
});

/**
 * Begins to load a model that a request is going to need, where there is room, so that its weights
 * load while the request waits for an image. The model is not lent before the image is there, since
 * waiting for one may take long.
 */
export function prepareModel(env: Env, directory: string, maxModels: number): void {
  loaded.prepare(directory, () => load(env, directory), maxModels);
}

/**
 * Lends a model, and loads it where that has not been done.
 *
 * @param directory of a model that the index lists
 * @param maxModels how many models may be loaded at a time; each takes the bytes of its weights, or
 *   those of float32 where they are not of 8 bits
 * @param use has the model until it ends, so it must wait for nothing that a client sends
 * @throws ProblemError `overloaded` where so many other models are in use
 */
export function withModel<T>(
  env: Env,
  directory: string,
  maxModels: number,
  use: (model: Model) => T | Promise<T>,
): Promise<T> {
  return loaded.lend(directory, () => load(env, directory), maxModels, use);
}

async function load(env: Env, directory: string): Promise<Model & { dispose(): void }> {
  const description = await loadModelCard(env, directory);
  const [artifacts] = await Promise.all([
    readArtifacts(description, (name) => readModelFile(env, `${directory}/${name}`)),
    startBackend(),
  ]);
  const { card, version } = description;
  const { size } = card.preprocess;
  const { arithmetic } = card.quantization;
  const network = createNetwork(foldGraph(artifacts), {
    arithmetic,
    size,
    recorder: callRecorder(),
  });
  const { head, embeddingWidth } = network;
  return {
    card,
    version,
    input: new Float32Array(size * size * 3),
    classify: (input) => network.predict(input),
    explain:
      head &&
      ((input) => {
        const [outputs, features] = network.predictAll(input);
        const values = features.subarray(embeddingWidth);
        return { outputs, mapOf: (label) => activationMap(head, values, label) };
      }),
    embed: embeddingWidth ? (input) => network.hidden(input).slice(0, embeddingWidth) : undefined,
    dispose: network.dispose,
  };
}
