import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { isBorderline } from 'shared/contract/known-score';
import imagenetLabels from 'shared/contract/labels/imagenet-1k.json' with { type: 'json' };
import type { Arithmetic, Label, ModelCard, MultiLabel } from 'shared/contract/model-card';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { foldGraph } from 'shared/inference/fold-constants';
import {
  type ActivationMap,
  activationMap,
  nodesOf,
} from 'shared/inference/graph/class-activation';
import { loadGraph as loadServedGraph } from 'shared/inference/graph/load-graph';
import { type ModelDirectory, readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { hasExactScore } from 'shared/inference/network';
import { backbones, buildBackbone } from '../backbones/registry.ts';
import { allowedThreads } from '../backends/start-backend.ts';
import { startWasmBackend } from '../backends/wasm/wasm-backend.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { TrainerError } from '../errors.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';

/** A network for inference. */
export interface Network {
  /**
   * @param inputs `[n, size, size, 3]`, preprocessed; not disposed of
   * @returns probabilities `[n, classes]`; the caller disposes of them
   */
  run(inputs: tf.Tensor): tf.Tensor;
  /**
   * As `run`, with all outputs of a model that has several: probabilities, and the score of unknown images
   * `[n]`.
   *
   * @param inputs one image
   */
  outputs?(inputs: tf.Tensor): tf.Tensor[];
  /** The score in float32, where `outputs` computes in 8 bits. */
  readonly exactScore?: ((inputs: tf.Tensor) => tf.Tensor) | undefined;
  /**
   * How much each part of an image adds to a label; absent where the head has no such maps.
   *
   * @param input one image
   * @param label its index
   */
  readonly explain?: ((input: tf.Tensor, label: number) => ActivationMap) | undefined;
  dispose(): void;
}

/** A network with its preprocessing and its labels. */
export interface Classifier extends Network {
  readonly preprocess: PreprocessSpec;
  /** One per class, in the order of the network's output. */
  readonly labels: readonly Label[];
  /** Present where an image may have several of them. */
  readonly multiLabel?: MultiLabel | undefined;
}

/** EfficientNet-B7 needs about 400 bytes of memory per pixel, VGG-16 500. */
const MAX_PIXELS = 1_600_000;

/**
 * Loads a graph model that computes exactly as in the Worker, with its executor and its kernels. The backend
 * in use does not change.
 *
 * @param arithmetic for 8-bit kernels, from the model's card
 * @throws TrainerError `backend_unavailable`
 */
export async function loadGraph(
  artifacts: tf.io.ModelArtifacts,
  arithmetic: Arithmetic = 'float32',
): Promise<Network> {
  const inUse = tf.getBackend();
  await startWasmBackend(allowedThreads());
  await tf.setBackend(inUse);
  const folded = foldGraph(artifacts);
  const graph = onWasm(() => loadServedGraph(folded, arithmetic));
  const { head } = graph;
  // Not when an image needs it, since a caller's `tf.tidy` would free it.
  const exact = hasExactScore(graph, folded, arithmetic)
    ? onWasm(() => loadServedGraph(folded, 'float32'))
    : undefined;
  const exactScore =
    exact &&
    ((inputs: tf.Tensor) => onWasm(() => tf.tidy(() => exact.outputs(inputs)[1] as tf.Tensor)));
  return {
    run: (inputs) =>
      onWasm(() => tf.tidy(() => tf.concat(splitBatch(inputs).map((some) => graph.run(some))))),
    outputs(inputs) {
      const [probabilities, ...scores] = onWasm(() => graph.outputs(inputs));
      const exactly = exactScore && (() => exactScore(inputs));
      return [probabilities as tf.Tensor, ...scores.map((score) => settleScore(score, exactly))];
    },
    exactScore,
    explain:
      head &&
      ((input, label) =>
        onWasm(() => {
          const values = tf.tidy(() => {
            const read = graph.withFeatures(input).slice(-nodesOf(head).length);
            return tf.concat(read.map((one) => one.flatten())).dataSync<'float32'>();
          });
          return activationMap(head, values, label);
        })),
    dispose() {
      graph.dispose();
      exact?.dispose();
    },
  };
}

/** Computes a borderline score exactly, and disposes of the other one. */
export function settleScore(score: tf.Tensor, exactly: (() => tf.Tensor) | undefined): tf.Tensor {
  if (!exactly || !isBorderline(score.dataSync()[0] as number)) return score;
  score.dispose();
  return exactly();
}

/** Splits a batch so that the activations of each part fit into WebAssembly's memory. */
function splitBatch(inputs: tf.Tensor): tf.Tensor[] {
  const [count, height, width] = inputs.shape as [number, number, number];
  const most = Math.max(1, Math.floor(MAX_PIXELS / (height * width)));
  const parts = Math.ceil(count / most);
  const begin = (part: number) => Math.round((part * count) / parts);
  const sizes = Array.from({ length: parts }, (_, part) => begin(part + 1) - begin(part));
  return tf.split(inputs, sizes);
}

/** `tf.setBackend` is effective at once for a backend that has started, hence no await. */
function onWasm<T>(compute: () => T): T {
  const inUse = tf.getBackend();
  void tf.setBackend('wasm');
  try {
    return compute();
  } finally {
    void tf.setBackend(inUse);
  }
}

/**
 * Loads a model directory that the trainer wrote.
 *
 * @throws TrainerError `model_invalid`, `backend_unavailable`
 */
export async function loadModel(
  directory: string,
): Promise<Classifier & { readonly card: ModelCard; readonly version: string }> {
  const { card, version, artifacts } = await readModel(directory);
  const { preprocess, labels, multiLabel } = card;
  try {
    const graph = await loadGraph(artifacts, card.quantization.arithmetic);
    return { card, version, preprocess, labels, multiLabel, ...graph };
  } catch (cause) {
    throw await modelInvalid(directory, cause);
  }
}

/**
 * Reads a model directory that the trainer wrote, and compares its weights with their hash.
 *
 * @throws TrainerError `model_invalid`
 */
export async function readModel(directory: string): Promise<ModelDirectory> {
  try {
    const model = await readModelDirectory(modelFiles(directory));
    const hash = createHash('sha256');
    for (const shard of [model.artifacts.weightData ?? []].flat())
      hash.update(new Uint8Array(shard));
    if (hash.digest('hex') !== model.card.weightsHash)
      throw new Error('The weights do not match the hash.');
    return model;
  } catch (cause) {
    throw await modelInvalid(directory, cause);
  }
}

async function modelInvalid(directory: string, cause: unknown): Promise<TrainerError> {
  if (cause instanceof TrainerError) return cause;
  return new TrainerError(
    'model_invalid',
    `Expected a model of this trainer at ${directory}, but ${await whyNoModel(directory)}.`,
    cause,
  );
}

async function whyNoModel(directory: string): Promise<string> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => error.code);
  if (names === 'ENOENT') return 'there is no such folder';
  if (names === 'ENOTDIR') return 'it is not a folder: pass the folder that contains model.json';
  if (!Array.isArray(names)) return 'the folder cannot be read';
  if (names.includes('model.json')) return 'its model.json or weights are missing or damaged';
  if (names.includes('checkpoint.safetensors')) {
    return "it is the folder of a run: the run's model is in the folder of models, under its id";
  }
  return 'the folder contains no model.json';
}

/**
 * Loads a network pretrained on ImageNet, with its 1,000 classes.
 *
 * @param weights `imagenet` or the path of a file
 * @throws TrainerError `weights_invalid`
 */
export async function loadPretrained(name: BackboneName, weights: string): Promise<Classifier> {
  const { size, preprocess } = backbones[name];
  const model = buildBackbone(name, { initialize: false });
  await loadBackboneWeights(model, name, weights, true);
  const plan = fusePlan(model);
  model.dispose();
  return {
    preprocess: { ...preprocess, size },
    labels: imagenetLabels.map(([synset, label]) => ({
      name: label as string,
      synset: synset as string,
    })),
    run: (inputs) => runPlan(plan, inputs),
    dispose: () => disposePlan(plan),
  };
}
