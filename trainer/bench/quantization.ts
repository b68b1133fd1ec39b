/**
 * What each format of kernels costs in size and answers, next to what tfjs' converter does.
 *
 *     pnpm --filter trainer bench:quantization [--run <folder of a run>] [--images 256]
 *
 * Of the network of a run, or else of EfficientNet-Lite0 as ImageNet left it, on test images of
 * CIFAR-10; of a run also with the head fitted to the quantized features, as training exports it. The last line is JSON.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { reportFigures } from 'shared/bench/report-figures';
import type { Arithmetic } from 'shared/contract/model-card';
import { backbones, buildBackbone } from '../src/backbones/registry.ts';
import { startBackend } from '../src/backends/start-backend.ts';
import { kernelFormats } from '../src/config/quantizations.ts';
import { imageBatches } from '../src/data/batches.ts';
import { openCifar10 } from '../src/datasets/cifar.ts';
import { subset } from '../src/datasets/split.ts';
import { evaluate } from '../src/evaluation/evaluate.ts';
import { measure, SMALLEST_PROBABILITY } from '../src/evaluation/metrics.ts';
import { chooseFormats } from '../src/export/choose-formats.ts';
import { type GraphModel, toArtifacts } from '../src/export/graph-builder.ts';
import { toGraphModel } from '../src/export/graph-model.ts';
import { refitHead } from '../src/export/head/refit-head.ts';
import { startProgress } from '../src/files/progress.ts';
import { loadGraph } from '../src/models/load-model.ts';
import { fusePlan } from '../src/plan/fuse.ts';
import { loadRun } from '../src/runs/load-run.ts';
import { loadBackboneWeights } from '../src/weights/load-backbone-weights.ts';

const { values } = parseArgs({
  options: {
    record: { type: 'boolean' },
    run: { type: 'string' },
    images: { type: 'string', default: '256' },
  },
});
await startBackend('auto', console.log);
const signal = new AbortController().signal;
const { network, backbone, size } = await openNetwork();
const plan = fusePlan(network);
const preprocess = { ...backbones[backbone].preprocess, size };
const { test, train } = await openCifar10();
const indicesOf = (set: typeof train) => [...Array(set.length).keys()];
const set = test ?? train;
const drawn = subset(indicesOf(set), set, { count: Number(values.images), seed: 1 });
const source = imageBatches({ set, indices: drawn }, preprocess);

const float32 = await toGraphModel(plan, size, 'float32');
const mixed = await chooseFormats(
  plan,
  preprocess,
  { set: train, indices: indicesOf(train) },
  signal,
);
/** By name. */
const models: Record<string, { readonly model: GraphModel; readonly arithmetic: Arithmetic }> = {};
const list = (name: string, model: GraphModel, arithmetic: Arithmetic = 'float32'): void => {
  models[name] = { model, arithmetic };
};
list('converter', asConverter(float32));
for (const format of kernelFormats) list(format, await toGraphModel(plan, size, format));
list('mixed', await toGraphModel(plan, size, mixed));
list('mixed, computed in int8', await toGraphModel(plan, size, mixed), 'int8');
const eightBits = await toGraphModel(plan, size, 'uint8');
list('uint8, computed in int8', eightBits, 'int8');
if (values.run !== undefined) {
  const part = { set: train, indices: indicesOf(train) };
  for (const arithmetic of ['float32', 'int8'] as const) {
    const options = { preprocess, arithmetic, signal, train: part, seed: 1 };
    const refitted = await refitHead(eightBits, float32, options);
    list(`uint8, head refit, computed in ${arithmetic}`, refitted, arithmetic);
  }
}

const expected = await predictionsOf(float32);
const results: Record<
  string,
  { divergence: number; bytes: number; same: number; top1: number | null }
> = {};
console.log('| format | size | divergence, nats | answers as in float32 | top-1 |');
console.log('|---|---|---|---|---|');
for (const [name, { model, arithmetic }] of Object.entries(models)) {
  const answers = await predictionsOf(model, arithmetic);
  const { classes, probabilities: ps } = expected;
  const qs = answers.probabilities;
  let divergence = 0;
  let same = 0;
  for (let begin = 0; begin < ps.length; begin += classes) {
    const [p, q] = [ps.subarray(begin, begin + classes), qs.subarray(begin, begin + classes)];
    p.forEach((value, at) => {
      divergence += value * (log(value) - log(q[at] as number));
    });
    if (p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q))) same += 1;
  }
  const top1 = values.run === undefined ? null : measure(answers).top1;
  const bytes = model.weightData.length;
  divergence /= source.length;
  results[name] = { bytes, divergence, same: same / source.length, top1 };
  const cells = [
    name,
    `${(bytes / 1e6).toFixed(2)} MB`,
    divergence.toExponential(1),
    `${((same / source.length) * 100).toFixed(1)} %`,
    top1 === null ? '' : `${(top1 * 100).toFixed(2)} %`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
const ratio = (name: string) =>
  (results['converter']?.divergence ?? 0) / (results[name]?.divergence ?? 0);
await reportFigures('trainer bench:quantization', {
  images: source.length,
  ratio_tfjs_converter_uint8: ratio('uint8'),
  ratio_tfjs_converter_mixed: ratio('mixed'),
  ...results,
});

async function openNetwork() {
  if (values.run !== undefined) {
    const { network, config } = await loadRun(resolve(process.env['INIT_CWD'] ?? '.', values.run));
    return { network, backbone: config.backbone, size: config.size };
  }
  const backbone = 'efficientnet-lite0';
  const network = buildBackbone(backbone, { initialize: false });
  await loadBackboneWeights(network, backbone, 'imagenet', true);
  return { network, backbone, size: backbones[backbone].size } as const;
}

/** As tensorflowjs_converter's `--quantize_uint8`: each tensor of floats by its least and greatest. */
function asConverter(model: GraphModel): GraphModel {
  let at = 0;
  const parts: Uint8Array[] = [];
  const weightSpecs = model.weightSpecs.map((spec): tf.io.WeightsManifestEntry => {
    const length = tf.util.sizeFromShape(spec.shape) * 4;
    const bytes = model.weightData.slice(at, at + length);
    at += length;
    if (spec.dtype !== 'float32') {
      parts.push(bytes);
      return spec;
    }
    const numbers = new Float32Array(bytes.buffer);
    const min = numbers.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const max = numbers.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const scale = max === min ? 1 : (max - min) / 255;
    // So that 0 stays 0, as the converter sees to.
    const start = Math.round(min / scale) * scale;
    parts.push(Uint8Array.from(numbers, (value) => Math.round((value - start) / scale)));
    return { ...spec, quantization: { dtype: 'uint8', scale, min: start } };
  });
  return { ...model, weightSpecs, weightData: new Uint8Array(Buffer.concat(parts)) };
}

async function predictionsOf(model: GraphModel, arithmetic: Arithmetic = 'float32') {
  const graph = await loadGraph(toArtifacts(model), arithmetic);
  const progress = startProgress('Answers', source.length);
  try {
    return await evaluate(graph.run, source, { progress, signal });
  } finally {
    graph.dispose();
  }
}

function log(probability: number): number {
  return Math.log(Math.max(probability, SMALLEST_PROBABILITY));
}
