import { waitUntil } from 'cloudflare:workers';
import type { ModelCard } from 'shared/contract/model-card';
import { foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readArtifacts } from 'shared/inference/model-directory';
import type { Env } from '../env.ts';
import { overloaded } from '../problem.ts';
import { callRecorder, startBackend } from './backend.ts';
import { readModelFile } from './model-source.ts';
import { loadModelCard } from './models-index.ts';

/** A model ready to classify. */
export interface Model {
  readonly card: ModelCard;
  readonly version: string;
  /**
   * `[size, size, 3]` float32, the same memory each time, to preprocess the next image into:
   * a new one a request, 0.6 MB, is memory that the system has to find and to clear.
   */
  readonly input: Float32Array;
  /**
   * @param input `[size, size, 3]` float32, preprocessed as the card says
   * @returns `[classes]`, probabilities
   */
  classify(input: Float32Array): Float32Array;
}

interface Loaded {
  readonly loading: Promise<Model & { dispose(): void }>;
  /** Requests that hold it. */
  users: number;
}

/** By directory, the one used last at the end. */
const loaded = new Map<string, Loaded>();

/**
 * Loads a model that a request is going to ask for, where there is room: so that its weights come
 * while the request waits for an image. It is not lent before, since waiting may take long.
 */
export function prepareModel(env: Env, directory: string, maxModels: number): void {
  if (!loaded.has(directory) && loaded.size < maxModels) beginLoading(env, directory, maxModels);
}

/**
 * Lends a model, loading its weights where that has not been done; requests that come meanwhile
 * share the load. Of the models that nobody holds, the isolate keeps those used last.
 *
 * @param directory of a model that the index lists
 * @param maxModels that are ready at a time; each takes its weights' bytes, or those of
 *   float32 where they are not of 8 bits
 * @param use holds the model until it ends, so it must wait for nothing that a client sends
 * @throws ProblemError `overloaded` where so many others are in use
 */
export async function withModel<T>(
  env: Env,
  directory: string,
  maxModels: number,
  use: (model: Model) => T | Promise<T>,
): Promise<T> {
  const entry = loaded.get(directory) ?? beginLoading(env, directory, maxModels);
  loaded.delete(directory);
  loaded.set(directory, entry);
  entry.users++;
  try {
    return await use(await entry.loading);
  } finally {
    entry.users--;
    dropUnused(maxModels);
  }
}

function beginLoading(env: Env, directory: string, maxModels: number): Loaded {
  // Room for it, before its own weights come.
  dropUnused(maxModels - 1);
  if (loaded.size >= Math.max(1, maxModels)) {
    throw overloaded('Too many models are in use');
  }
  const entry: Loaded = { loading: load(env, directory), users: 0 };
  loaded.set(directory, entry);
  const forget = (): void => {
    // One that failed is tried again.
    if (loaded.get(directory) === entry) loaded.delete(directory);
  };
  // Others may wait for it, so it goes on even if its own request's client leaves.
  waitUntil(entry.loading.catch(forget));
  return entry;
}

function dropUnused(maxModels: number): void {
  for (const [directory, { users, loading }] of loaded) {
    if (loaded.size <= maxModels) return;
    if (users > 0) continue;
    loaded.delete(directory);
    waitUntil(
      loading.then(
        (model) => model.dispose(),
        () => undefined,
      ),
    );
  }
}

async function load(env: Env, directory: string): Promise<Model & { dispose(): void }> {
  const description = await loadModelCard(env, directory);
  const [artifacts] = await Promise.all([
    readArtifacts(description, (name) => readModelFile(env, `${directory}/${name}`)),
    startBackend(),
  ]);
  const { card, version } = description;
  const graph = loadGraph(foldGraph(artifacts), card.quantization.arithmetic ?? 'float32');
  const { size } = card.preprocess;
  const predictor = createPredictor(graph.run, [1, size, size, 3], callRecorder());
  return {
    card,
    version,
    input: new Float32Array(size * size * 3),
    classify: (input) => predictor.predict(input),
    dispose() {
      predictor.dispose();
      graph.dispose();
    },
  };
}
