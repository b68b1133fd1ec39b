/**
 * Measures what an answer's `explanation`, and its `known` and `score`, cost: `pnpm --filter edge bench:answers`,
 * some minutes on Linux. A ratio is of the time without to the time with it: 1 / 1.3 is 1.3 × the time. Networks
 * with other heads than ours have random weights.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { reportFigures } from 'shared/bench/report-figures';
import { KNOWN_SCORE } from 'shared/contract/known-score';
import { type FoldedGraph, foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { createPredictor } from 'shared/inference/kernels/predictor';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import sharp from 'sharp';
import { buildBackbone } from 'trainer/backbones/registry';
import { exportPretrained } from 'trainer/export/export-pretrained';
import { toGraphModel } from 'trainer/export/graph-model';
import { writeModelDirectory } from 'trainer/export/write-model-directory';
import { attachHead } from 'trainer/models/head';
import { fusePlan } from 'trainer/plan/fuse';
import { disposePlan } from 'trainer/plan/plan';
import { startBareWorkerd } from '../bare-workerd.ts';
import { median } from '../measuring/median.ts';
import { startBackend } from '../measuring/node-backend.ts';

const MODELS = ['imagenet', 'cifar10', 'cifar10-fast'] as const;
const ROUNDS = 15;
const TIMES = 10;

const chelsea = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));
const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
const figures: Record<string, object> = {};
const explained = await measureExplanations(MODELS, ROUNDS, TIMES);
for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
const recorder = await startBackend();
for (const model of MODELS) {
  const known = await measureScore(model);
  figures[model] = { ...explained[model], ...known };
}
const assets = await mkdtemp(join(tmpdir(), 'graft-heads-'));
try {
  Object.assign(figures, await measureExplanations(await exportOtherHeads(assets), 7, 2, assets));
} finally {
  await rm(assets, { recursive: true });
}
for (const [model, one] of Object.entries(figures)) console.log(`${model}: ${JSON.stringify(one)}`);
await reportFigures('edge bench:answers', figures);

/** Models whose heads flatten, convolve and have hidden layers. @returns their ids */
async function exportOtherHeads(assets: string): Promise<string[]> {
  const folder = (id: string) => join(assets, 'models', id);
  for (const name of ['alexnet', 'vgg16'] as const) {
    await exportPretrained(name, 'none', folder(name));
  }
  const name = 'efficientnetb0';
  const card = await exportPretrained(name, 'none', folder('convolution'));
  const trunk = buildBackbone(name, { includeTop: false });
  const head = { head: 'convolution', dropout: 0.5, seed: 1 } as const;
  const plan = fusePlan(attachHead(trunk, card.labels.length, head));
  const graph = await toGraphModel(plan, card.preprocess.size, 'uint8');
  await writeModelDirectory(folder('convolution'), graph, card);
  disposePlan(plan);
  return ['alexnet', 'vgg16', 'convolution'];
}

/** CPU milliseconds of a whole request, with an explanation and without, in turn. */
async function measureExplanations(
  models: readonly string[],
  rounds: number,
  times: number,
  assets?: string,
): Promise<Record<string, object>> {
  const worker = await startBareWorkerd(assets);
  try {
    const figures: Record<string, object> = {};
    for (const model of models) {
      const ask = async (explain: boolean): Promise<number> => {
        const before = await worker.cpuMs();
        const query = new URLSearchParams({ model, explain: `${explain}` });
        for (let i = 0; i < times; i++) {
          const init = { method: 'POST', body: photo };
          const response = await fetch(`${worker.origin}/classify?${query}`, init);
          const { explanation } = (await response.json()) as { explanation?: object };
          if (!response.ok || Boolean(explanation) !== explain) throw new Error('Another answer.');
        }
        return ((await worker.cpuMs()) - before) / times;
      };
      const all: [plain: number, explained: number][] = [];
      for (let round = -4; round < rounds; round++) {
        const times: [number, number] = [await ask(false), await ask(true)];
        // In the first rounds, V8 still compiles.
        if (round >= 0) all.push(times);
      }
      figures[model] = {
        request_ms: median(all.map(([plain]) => plain)),
        explained_request_ms: median(all.map(([, with_]) => with_)),
        ratio_without_explanation: median(all.map(([plain, with_]) => plain / with_)),
      };
    }
    return figures;
  } finally {
    await worker.close();
  }
}

/** Milliseconds of the network with its score and without, in turn, and the score's bytes. */
async function measureScore(model: string): Promise<object> {
  const directory = fileURLToPath(new URL(`../../public/models/${model}`, import.meta.url));
  const { card, artifacts } = await readModelDirectory(modelFiles(directory));
  const scored = foldGraph(artifacts);
  const isOfScore = ({ name }: { readonly name: string }) => name.startsWith(prefix);
  const prefix = KNOWN_SCORE.slice(0, KNOWN_SCORE.indexOf('/') + 1);
  if (!scored.topology.node.some(isOfScore)) return {};
  const plain: FoldedGraph = {
    topology: { node: scored.topology.node.filter((node) => !isOfScore(node)) },
    weights: scored.weights.filter((weight) => !isOfScore(weight)),
  };
  const { size } = card.preprocess;
  const input = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i));
  const time = [plain, scored].map((folded) => {
    const graph = loadGraph(folded, card.quantization.arithmetic ?? 'float32');
    const { predict } = createPredictor(graph.outputs, [1, size, size, 3], recorder);
    for (let i = 0; i < 5; i++) predict(input);
    return () => {
      const start = performance.now();
      for (let i = 0; i < TIMES; i++) predict(input);
      return (performance.now() - start) / TIMES;
    };
  });
  const rounds = Array.from({ length: 4 * ROUNDS }, () => time.map((run) => run()));
  const least = (at: number) => Math.min(...rounds.map((times) => times[at] as number));
  const bytes = scored.weights
    .filter(isOfScore)
    .reduce((sum, weight) => sum + weight.bytes.length + 4 * weight.factors.length, 0);
  // The shortest times are those that other work on the machine has disturbed least.
  return {
    inference_ms: least(0),
    scored_inference_ms: least(1),
    ratio_without_score: least(0) / least(1),
    score_bytes: bytes,
  };
}
