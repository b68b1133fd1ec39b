/**
 * Counts for how many of CIFAR-10's test images `known` differs between our kernels in float32, in int8, and stock
 * tfjs on the same model: `pnpm --filter edge bench:known [images]`, all 10,000 by default, half an hour. In int8, a
 * borderline score is computed again in float32; `int8_alone` is without that.
 */
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { reportFigures } from 'shared/bench/report-figures';
import { isBorderline, KNOWN_FROM, KNOWN_SCORE } from 'shared/contract/known-score';
import type { Arithmetic } from 'shared/contract/model-card';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { createNetwork } from 'shared/inference/network';
import { openCifar10 } from 'trainer/datasets/cifar';
import { startBackend } from '../measuring/node-backend.ts';
import { registeredKernels, useKernels } from '../measuring/swap-kernels.ts';

const count = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 10_000);
const { test } = await openCifar10();

for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
const stockKernels = registeredKernels();
const recorder = await startBackend();
const ourKernels = registeredKernels();

type Score = (input: Float32Array) => number;

async function measure(model: string): Promise<object> {
  const directory = new URL(`../../public/models/${model}/`, import.meta.url);
  const { card, artifacts } = await readModelDirectory(modelFiles(directory));
  const { size } = card.preprocess;
  const folded = foldGraph(artifacts);
  const scoreOf = (predict: (input: Float32Array) => Float32Array): Score => {
    return (input) => predict(input)[card.labels.length] as number;
  };
  /** As the Worker computes it. */
  const served = (arithmetic: Arithmetic) =>
    scoreOf(createNetwork(folded, { arithmetic, size, recorder }).predict);
  const stock = await loadGraphModel({ load: async () => artifacts });
  const int8Alone = loadGraph(folded, 'int8');
  const scores: Readonly<Record<'float32' | 'int8' | 'int8_alone' | 'stock_tfjs', Score>> = {
    float32: served('float32'),
    int8: served('int8'),
    int8_alone: scoreOf(createPredictor(int8Alone.outputs, [1, size, size, 3], recorder).predict),
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
  const known = { float32: 0, int8: 0, int8_alone: 0, stock_tfjs: 0 };
  const differs = { int8: 0, int8_alone: 0, stock_tfjs: 0 };
  let again = 0;
  for (let i = 0; i < count; i++) {
    const input = preprocess(await test.image(i), card.preprocess);
    const inFloat32 = scores.float32(input) >= KNOWN_FROM;
    known.float32 += Number(inFloat32);
    for (const name of ['int8', 'int8_alone', 'stock_tfjs'] as const) {
      const score = scores[name](input);
      known[name] += Number(score >= KNOWN_FROM);
      differs[name] += Number(score >= KNOWN_FROM !== inFloat32);
      if (name === 'int8_alone') again += Number(isBorderline(score));
    }
  }
  console.log(
    `${model}: of ${count} images, float32 knows ${known.float32}; int8 says otherwise of ${differs.int8}, and computes ${again} again.`,
  );
  return { known, differs_from_float32: differs, computed_again: again };
}

const figures: Record<string, object> = {};
for (const model of ['cifar10', 'cifar10-fast']) figures[model] = await measure(model);
await reportFigures('edge bench:known', { images: count, ...figures });
