/**
 * Measures the accuracy of `cifar10-fast` on test images of CIFAR-10, computed by our kernels and by
 * LiteRT.js from the same weights. Prints one line of JSON, {@link AccuracyFigures}. It is a process of its
 * own, since each peer keeps its memory.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Arithmetic } from 'shared/contract/model-card';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { openCifar10 } from 'trainer/datasets/cifar';
import type { ImageSet } from 'trainer/datasets/dataset';
import { startBackend } from './measuring/node-backend.ts';
import { openLiteRtNetwork, startLiteRt } from './peers/litert.ts';
import { makeLiteRtModels } from './peers/litert-models.ts';

export interface AccuracyFigures {
  readonly images: number;
  /** The share of images whose most probable label is right. */
  readonly top1: Record<'ours' | 'ours_int8' | 'litert_f32' | 'litert_int8', number>;
}

/** The data set is already in random order. */
const IMAGES = 1000;
const CALIBRATION_IMAGES = 200;

const directory = new URL('../public/models/cifar10-fast/', import.meta.url);
const { card, artifacts } = await readModelDirectory(modelFiles(directory));
const shape = [1, card.preprocess.size, card.preprocess.size, 3];
const { train, test } = await openCifar10();

for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
const recorder = await startBackend();
const ours = (arithmetic: Arithmetic): ((input: Float32Array) => Float32Array) =>
  createPredictor(loadGraph(foldGraph(artifacts), arithmetic).run, shape, recorder).predict;
const calibration: Float32Array[] = [];
for (let i = 0; i < CALIBRATION_IMAGES; i++) calibration.push(await inputOf(train, i));
const liteRt = await makeLiteRtModels(directory, calibration);
await startLiteRt();
const networks = {
  ours: ours('float32'),
  ours_int8: ours('int8'),
  litert_f32: await openLiteRtNetwork(liteRt.float32, shape),
  litert_int8: await openLiteRtNetwork(liteRt.int8, shape),
};

const right: Record<keyof AccuracyFigures['top1'], number> = {
  ours: 0,
  ours_int8: 0,
  litert_f32: 0,
  litert_int8: 0,
};
for (let i = 0; i < IMAGES; i++) {
  const input = await inputOf(test, i);
  for (const [name, network] of Object.entries(networks) as [keyof typeof right, Network][]) {
    const probabilities = await network(input);
    if (probabilities.indexOf(Math.max(...probabilities)) === test.label(i)) right[name]++;
  }
}
const top1 = Object.fromEntries(
  Object.entries(right).map(([name, count]) => [name, count / IMAGES]),
) as AccuracyFigures['top1'];
console.log(JSON.stringify({ images: IMAGES, top1 } satisfies AccuracyFigures));

type Network = (input: Float32Array) => Float32Array | Promise<Float32Array>;

async function inputOf(set: ImageSet, index: number): Promise<Float32Array> {
  return preprocess(await set.image(index), card.preprocess);
}
