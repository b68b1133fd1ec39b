import { waitUntil } from 'cloudflare:workers';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { foldConstants } from 'shared/fold-constants';
import type { ModelCard } from 'shared/model-card';
import {
  type ModelsIndex,
  modelsIndex,
  type ReadFile,
  readModelCard,
  readModelDirectory,
} from 'shared/model-directory';
import { startBackend } from './backend.ts';
import type { Env } from './env.ts';
import { ProblemError } from './problem.ts';

/** A model ready to classify. It lives as long as the isolate. */
export interface Model {
  readonly card: ModelCard;
  readonly version: string;
  /**
   * @param input `[size, size, 3]` float32, preprocessed as the card says
   * @returns `[classes]`, probabilities
   */
  classify(input: Float32Array): Float32Array;
}

/** The models that this Worker serves. */
export function loadModelsIndex(env: Env): Promise<ModelsIndex> {
  return oncePerIsolate('index', async () => {
    const bytes = await readAsset(env, 'index.json');
    return modelsIndex.parse(JSON.parse(new TextDecoder().decode(bytes)));
  });
}

/** A model's card and version, without its weights. */
export function loadModelCard(
  env: Env,
  id: string,
): Promise<{ readonly card: ModelCard; readonly version: string }> {
  return oncePerIsolate(`card ${id}`, () => readModelCard(readFrom(env, id)));
}

/**
 * Which model a request means.
 *
 * @throws ProblemError `unknown_model`
 */
export async function resolveModelId(env: Env, id: string | undefined): Promise<string> {
  const index = await loadModelsIndex(env);
  if (id === undefined) return index.default;
  if (index.models.includes(id)) return id;
  throw new ProblemError(
    'unknown_model',
    `There is no model of that name; this service has ${index.models.join(', ')}.`,
  );
}

/**
 * Loads a model's weights, at most once an isolate; requests that come meanwhile share the load.
 *
 * @param id as {@link resolveModelId} returned it
 */
export function loadModel(env: Env, id: string): Promise<Model> {
  return oncePerIsolate(`model ${id}`, async () => {
    const [directory] = await Promise.all([readModelDirectory(readFrom(env, id)), startBackend()]);
    const { card, version, artifacts } = directory;
    const graph = await loadGraphModel(tf.io.fromMemory(foldConstants(artifacts)));
    const { size } = card.preprocess;
    const classify = (input: Float32Array): Float32Array =>
      tf.tidy(() => {
        const batch = tf.tensor4d(input, [1, size, size, 3]);
        // A graph of one output: see the exporter.
        return (graph.predict(batch) as tf.Tensor).dataSync<'float32'>();
      });
    return { card, version, classify };
  });
}

const loads = new Map<string, Promise<unknown>>();

/** Shares a load among all requests of the isolate. One that failed is tried again. */
function oncePerIsolate<T>(key: string, load: () => Promise<T>): Promise<T> {
  const running = loads.get(key) as Promise<T> | undefined;
  if (running) return running;
  const started = load();
  loads.set(key, started);
  // Others may wait for this load, so it goes on even if its own request's client leaves.
  waitUntil(started.catch(() => loads.delete(key)));
  return started;
}

function readFrom(env: Env, id: string): ReadFile {
  return (name) => readAsset(env, `${id}/${name}`);
}

async function readAsset(env: Env, path: string): Promise<Uint8Array<ArrayBuffer>> {
  // The binding looks at the path only, but wants a whole url.
  const response = await env.ASSETS.fetch(`https://assets.local/models/${path}`);
  if (!response.ok) throw new Error(`Asset models/${path} answered with ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
