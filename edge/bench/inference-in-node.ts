/**
 * Runs EfficientNet-Lite0 on one image in Node on one thread: our kernels in float32 and in int8, stock
 * tfjs-wasm, LiteRT.js, onnxruntime-web, tfjs in plain JavaScript and native onnxruntime, in turn. Prints
 * one line of JSON, {@link NodeFigures}. It is a process of its own, since each peer keeps its memory.
 */
import { readFile } from 'node:fs/promises';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as native from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { foldGraph, valuesOf } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import sharp from 'sharp';
import { median } from './measuring/median.ts';
import { startBackend } from './measuring/node-backend.ts';
import { measurePeaks } from './measuring/peaks.ts';
import { type LayerTime, profileLayers } from './measuring/profile-layers.ts';
import {
  registeredKernels,
  useKernels,
  inFloat32 as withFloat32,
} from './measuring/swap-kernels.ts';
import { openLiteRtNetwork, startLiteRt } from './peers/litert.ts';
import { makeLiteRtModels } from './peers/litert-models.ts';
import { makeOnnxModels } from './peers/onnx-models.ts';

export interface NodeFigures {
  /** Milliseconds per image of 224 × 224 pixels. */
  readonly ms: Record<Peer, number>;
  /** The largest difference of a probability from ours. */
  readonly apart: Record<Peer, number>;
  /** Operations of convolutions and dense layers. */
  readonly gigaflop: number;
  readonly peaks: Awaited<ReturnType<typeof measurePeaks>>;
  readonly layers: Readonly<Record<'ours' | 'int8' | 'stock', LayerTime[]>>;
  /** Milliseconds per image, by the input's side in pixels. */
  readonly msBySize: Record<number, number>;
  /** Milliseconds per image, by the batch size. */
  readonly msByBatch: Record<number, number>;
}

export type Peer =
  | 'ours'
  | 'ours_int8'
  | 'tfjs_wasm'
  | 'litert_f32'
  | 'litert_int8'
  | 'ort_web'
  | 'ort_web_int8'
  | 'tfjs_cpu'
  | 'ort_native';

const ROUNDS = 15;
/** Plain JavaScript takes a second per image. */
const CPU_ROUNDS = 2;

const models = new URL('../public/models/imagenet/', import.meta.url);
const { card, artifacts } = await readModelDirectory(modelFiles(models));
const { size } = card.preprocess;
const photos = await Promise.all(['chelsea', 'coffee', 'rocket'].map(readPhoto));
const [photo] = photos as [Float32Array];

for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
const stock = registeredKernels();
const recorder = await startBackend();
const ours = registeredKernels();
useKernels(stock);
// Layers are compared as our int8 has them, an inverted residual in one.
const { run: layersOnStock } = loadGraph(foldGraph(artifacts), 'int8');
useKernels(withFloat32(ours));
const { run: layersInFloat32 } = loadGraph(foldGraph(artifacts), 'int8');
useKernels(ours);
const folded = foldForStock();
const onWasm = runOf(await loadGraphModel({ load: async () => folded }));
const { run: onWasmInFloat32 } = loadGraph(foldGraph(artifacts), 'float32');
const inFloat32 = createPredictor(onWasmInFloat32, [1, size, size, 3], recorder);
const { run: onWasmInInt8 } = loadGraph(foldGraph(artifacts), 'int8');
const inInt8 = createPredictor(onWasmInInt8, [1, size, size, 3], recorder);
await tf.setBackend('cpu');
const onCpu = runOf(await loadGraphModel({ load: async () => folded }));
await tf.setBackend('wasm');

const { float32, int8 } = await makeOnnxModels(artifacts, photos.map(channelsFirst), size);
const liteRtModels = await makeLiteRtModels(models, photos);
await startLiteRt();
const liteRtShape = [1, size, size, 3];
const liteRt = {
  float32: await openLiteRtNetwork(liteRtModels.float32, liteRtShape),
  int8: await openLiteRtNetwork(liteRtModels.int8, liteRtShape),
};
web.env.wasm.numThreads = 1;
const options = { intraOpNumThreads: 1, interOpNumThreads: 1 } as const;
const sessions = {
  ort_web: await web.InferenceSession.create(float32, { executionProviders: ['wasm'] }),
  ort_web_int8: await web.InferenceSession.create(int8, { executionProviders: ['wasm'] }),
  ort_native: await native.InferenceSession.create(Buffer.from(float32), options),
};
const shape = [1, 3, size, size];
const inputs = {
  web: { input: new web.Tensor('float32', channelsFirst(photo), shape) },
  native: { input: new native.Tensor('float32', channelsFirst(photo), shape) },
};

type Probabilities = ArrayLike<number>;
type Run = (input: tf.Tensor) => tf.Tensor;

const runs: Record<Peer, () => Probabilities | Promise<Probabilities>> = {
  ours: () => inFloat32.predict(photo),
  ours_int8: () => inInt8.predict(photo),
  tfjs_wasm() {
    useKernels(stock);
    const probabilities = predict(onWasm, photo);
    useKernels(ours);
    return probabilities;
  },
  litert_f32: () => liteRt.float32(photo),
  litert_int8: () => liteRt.int8(photo),
  ort_web: async () => outputOf(await sessions.ort_web.run(inputs.web)),
  ort_web_int8: async () => outputOf(await sessions.ort_web_int8.run(inputs.web)),
  async tfjs_cpu() {
    await tf.setBackend('cpu');
    const probabilities = predict(onCpu, photo);
    await tf.setBackend('wasm');
    return probabilities;
  },
  ort_native: async () => outputOf(await sessions.ort_native.run(inputs.native)),
};

const expected = await runs.ours();
const apart = {} as Record<Peer, number>;
const times = {} as Record<Peer, number[]>;
for (const peer of Object.keys(runs) as Peer[]) {
  apart[peer] = furthest(await runs[peer](), expected);
  times[peer] = [];
}
for (let round = -5; round < ROUNDS; round++) {
  for (const peer of Object.keys(runs) as Peer[]) {
    if (peer === 'tfjs_cpu' && !(round >= 0 && round < CPU_ROUNDS)) continue;
    const start = performance.now();
    await runs[peer]();
    // In the first rounds, V8 still compiles.
    if (round >= 0) times[peer].push(performance.now() - start);
  }
}

const layersOf = (kernels: typeof ours, run: Run): LayerTime[] => {
  const layers = profileLayers(kernels, () => predict(run, photo), ROUNDS);
  useKernels(ours);
  return layers;
};
const layers = {
  ours: layersOf(ours, layersInFloat32),
  int8: layersOf(ours, onWasmInInt8),
  stock: layersOf(stock, layersOnStock),
};

const msBySize: Record<number, number> = {};
for (const side of [96, 128, 160, 192, 224, 288]) msBySize[side] = timeGraph(side, 1);
const msByBatch: Record<number, number> = {};
for (const batch of [1, 2, 4, 8]) msByBatch[batch] = timeGraph(size, batch);

console.log(
  JSON.stringify({
    ms: Object.fromEntries(Object.entries(times).map(([peer, list]) => [peer, median(list)])),
    apart,
    gigaflop: layers.ours.reduce((sum, layer) => sum + layer.gigaflop, 0),
    peaks: await measurePeaks(),
    layers,
    msBySize,
    msByBatch,
  } as NodeFigures),
);

/** Stock tfjs would multiply kernels by their scales at each inference. */
function foldForStock(): tf.io.ModelArtifacts {
  const { topology, weights } = foldGraph(artifacts);
  return {
    ...artifacts,
    modelTopology: topology,
    weightSpecs: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    weightData: weights.map((weight) => valuesOf(weight).buffer),
  };
}

function predict(run: Run, input: Float32Array): Probabilities {
  return tf.tidy(() => run(tf.tensor4d(input, [1, size, size, 3])).dataSync());
}

function runOf(graph: GraphModel): Run {
  return (input) => graph.predict(input) as tf.Tensor;
}

/** The network accepts any size. @returns milliseconds per image */
function timeGraph(side: number, batch: number): number {
  const predictor = createPredictor(onWasmInFloat32, [batch, side, side, 3], recorder);
  const input = Float32Array.from({ length: batch * side * side * 3 }, (_, i) => Math.sin(i));
  const ms: number[] = [];
  for (let round = -2; round < 8; round++) {
    const start = performance.now();
    predictor.predict(input);
    if (round >= 0) ms.push((performance.now() - start) / batch);
  }
  predictor.dispose();
  return median(ms);
}

async function readPhoto(name: string): Promise<Float32Array> {
  const path = new URL(`../../shared/fixtures/${name}.png`, import.meta.url);
  const { data, info } = await sharp(await readFile(path))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return preprocess({ width: info.width, height: info.height, channels: 3, data }, card.preprocess);
}

/** `[size, size, 3]` to `[3, size, size]`. */
function channelsFirst(pixels: Float32Array): Float32Array {
  const plane = pixels.length / 3;
  return Float32Array.from(
    pixels,
    (_, i) => pixels[(i % plane) * 3 + Math.floor(i / plane)] as number,
  );
}

function outputOf({
  probabilities,
}: {
  readonly [name: string]: { readonly data: unknown };
}): Probabilities {
  return probabilities?.data as Float32Array;
}

function furthest(probabilities: Probabilities, from: Probabilities): number {
  return Math.max(
    ...Array.from(probabilities, (value, i) => Math.abs(value - (from[i] as number))),
  );
}
