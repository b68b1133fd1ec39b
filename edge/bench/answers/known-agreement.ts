/**
 * Counts for how many of CIFAR-10's test images `known` differs between our kernels in float32, in int8, and stock
 * tfjs on the same model: `pnpm --filter edge bench:known [images]`, all 10,000 by default, ten minutes.
 */
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { reportFigures } from 'shared/bench/report-figures';
import { KNOWN_FROM, KNOWN_SCORE } from 'shared/contract/known-score';
import type { Arithmetic } from 'shared/contract/model-card';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { openCifar10 } from 'trainer/datasets/cifar';
import { startBackend } from '../measuring/node-backend.ts';
import { registeredKernels, useKernels } from '../measuring/swap-kernels.ts';

const directory = new URL('../../public/models/cifar10-fast/', import.meta.url);
const count = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 10_000);

const { card, artifacts } = await readModelDirectory(modelFiles(directory));
const { size } = card.preprocess;
const { test } = await openCifar10();

for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
const stockKernels = registeredKernels();
const recorder = await startBackend();
const ourKernels = registeredKernels();
const stock = await loadGraphModel({ load: async () => artifacts });

type Score = (input: Float32Array) => number;

/** Our kernels, as the Worker uses them. */
function ours(arithmetic: Arithmetic): Score {
  const { outputs } = loadGraph(foldGraph(artifacts), arithmetic);
  const { predict } = createPredictor(outputs, [1, size, size, 3], recorder);
  return (input) => predict(input)[card.labels.length] as number;
}

const scores: Readonly<Record<'float32' | 'int8' | 'stock_tfjs', Score>> = {
  float32: ours('float32'),
  int8: ours('int8'),
  stock_tfjs(input) {
    useKernels(stockKernels);
    const score = tf.tidy(() => {
      const image = tf.tensor4d(input, [1, size, size, 3]);
      return (stock.execute(image, KNOWN_SCORE) as tf.Tensor).dataSync()[0] as number;
    });
    useKernels(ourKernels);
    return score;
  },
};

const known = { float32: 0, int8: 0, stock_tfjs: 0 };
const differs = { int8: 0, stock_tfjs: 0 };
for (let i = 0; i < count; i++) {
  const input = preprocess(await test.image(i), card.preprocess);
  const says = {
    float32: scores.float32(input) >= KNOWN_FROM,
    int8: scores.int8(input) >= KNOWN_FROM,
    stock_tfjs: scores.stock_tfjs(input) >= KNOWN_FROM,
  };
  for (const name of ['float32', 'int8', 'stock_tfjs'] as const) known[name] += Number(says[name]);
  for (const name of ['int8', 'stock_tfjs'] as const) {
    differs[name] += Number(says[name] !== says.float32);
  }
}
console.log(
  `Of ${count} images, float32 knows ${known.float32}; int8 says otherwise of ${differs.int8}.`,
);
await reportFigures('edge bench:known', { images: count, known, differs_from_float32: differs });
