import * as tf from '@tensorflow/tfjs';
import { KNOWN_FROM, KNOWN_SCORE } from 'shared/contract/known-score';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  buildTinyNetwork,
  largestDifference,
  TINY_PREPROCESS,
  TINY_SIZE,
} from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { imageBatches } from '../data/batches.ts';
import type { ImageSet } from '../datasets/dataset.ts';
import { nearestTo, normOf, unitRows } from '../evaluation/prototypes.ts';
import { loadGraph } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, type Plan } from '../plan/plan.ts';
import { contrastOf } from './contrast/contrast.ts';
import { fitKnownScore } from './fit-known-score.ts';
import { type GraphModel, toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';
import {
  CONTRAST_WEIGHT,
  cutGraph,
  headOf,
  readKnownScore,
  withKnownScore,
  withoutKnownScore,
} from './known-score.ts';

let plan: Plan;
let model: GraphModel;
let inputs: tf.Tensor;

beforeAll(async () => {
  await startBackend('wasm', () => {});
  plan = fusePlan(buildTinyNetwork({ dropout: 0.5 }));
  model = await toGraphModel(plan, TINY_SIZE, 'uint8');
  inputs = tf.randomNormal([6, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
});

afterAll(() => {
  disposePlan(plan);
  inputs.dispose();
});

const nodes = { slope: 3, offset: -1 };

/** The outputs of a graph's last node, as the Worker computes them. */
async function runCut(graph: GraphModel, name: string): Promise<tf.Tensor> {
  const served = await loadGraph(toArtifacts(cutGraph(graph, name)));
  const output = served.run(inputs);
  served.dispose();
  return output;
}

async function stock(graph: GraphModel): Promise<tf.GraphModel> {
  return tf.loadGraphModel({ load: async () => toArtifacts(graph) });
}

test('is the cosine to the nearest prototype, in stock tfjs and as served', async () => {
  const features = await runCut(model, headOf(model).features);
  const width = features.shape[1] as number;
  const values = (await features.data()) as Float32Array;
  const prototypes = unitRows({ width, values }, [0, 1]);
  const scored = withKnownScore(model, { ...nodes, prototypes });
  const cosines = tf.tidy(() => {
    const unit = features.div(features.norm('euclidean', 1, true));
    return unit.matMul(tf.tensor2d(prototypes.values, [2, width]), false, true).max(1, true);
  });
  expect(cosines.arraySync()).not.toEqual(cosines.onesLike().arraySync());
  const expected = tf.sigmoid(cosines.mul(nodes.slope).add(nodes.offset));
  const graph = await stock(scored);
  const [probabilities, score] = graph.execute(inputs, [plan.output, KNOWN_SCORE]) as tf.Tensor[];
  const before = (await stock(model)).predict(inputs) as tf.Tensor;
  expect(score?.shape).toEqual([6, 1]);
  expect(largestDifference(score as tf.Tensor, expected)).toBeLessThan(0.01);
  expect(largestDifference(await runCut(scored, KNOWN_SCORE), score as tf.Tensor)).toBeLessThan(
    1e-5,
  );
  // Who reads one output reads what was there before.
  expect(largestDifference(probabilities as tf.Tensor, before)).toBe(0);
  expect(largestDifference(graph.predict(inputs) as tf.Tensor, before)).toBe(0);
});

test('adds the contrast to the cosine, in stock tfjs and as served, and reads it back', async () => {
  const width = (await runCut(model, headOf(model).features)).shape[1] as number;
  const random = createRandom(5);
  const rowsOf = (count: number) => ({
    width,
    values: Float32Array.from({ length: count * width }, () => random.float() - 0.5),
  });
  const prototypes = unitRows(rowsOf(3), [0, 1, 2]);
  const contrast = {
    known: { rows: rowsOf(2), bias: Float32Array.of(0.3, -0.2) },
    others: { rows: rowsOf(4), bias: Float32Array.of(0.1, 0.2, -0.4, 0) },
  };
  const scored = withKnownScore(model, { ...nodes, prototypes, contrast });
  const features = (await (await runCut(model, headOf(model).features)).data()) as Float32Array;
  const expected = Array.from({ length: 6 }, (_, at) => {
    const row = features.subarray(at * width, (at + 1) * width);
    const cosine = nearestTo(row, prototypes).product / normOf(row);
    const value = cosine + CONTRAST_WEIGHT * contrastOf(row, contrast);
    return 1 / (1 + Math.exp(-(nodes.slope * value + nodes.offset)));
  });
  const inStock = (await stock(scored)).execute(inputs, KNOWN_SCORE) as tf.Tensor;
  // Kernels of 8 bits.
  expect(largestDifference(inStock, tf.tensor(expected, [6, 1]))).toBeLessThan(0.02);
  expect(largestDifference(await runCut(scored, KNOWN_SCORE), inStock)).toBeLessThan(1e-5);

  const read = readKnownScore(scored);
  expect(read?.slope).toBeCloseTo(nodes.slope, 4);
  for (const side of ['known', 'others'] as const) {
    const [was, is] = [contrast[side], read?.contrast?.[side]];
    expect([...(is?.bias ?? [])].map((one) => one.toFixed(4))).toEqual(
      [...was.bias].map((one) => one.toFixed(4)),
    );
    expect(is?.rows.values).toHaveLength(was.rows.values.length);
    for (const [at, value] of was.rows.values.entries()) {
      expect(is?.rows.values[at] as number).toBeCloseTo(value, 1);
    }
  }
  const { weightSpecs } = withoutKnownScore(scored);
  expect(weightSpecs).toEqual(model.weightSpecs);
});

test('is the largest logit without prototypes', async () => {
  const logits = await runCut(model, headOf(model).logits);
  const expected = tf.sigmoid(logits.max(1, true).mul(nodes.slope).add(nodes.offset));
  const score = await runCut(withKnownScore(model, nodes), KNOWN_SCORE);
  expect(largestDifference(score, expected)).toBeLessThan(1e-5);
});

test('is the largest logit of clipped features, by the weights that the classifier has', async () => {
  const { logits, features } = headOf(model);
  const row = await runCut(model, features);
  const clip = 0.5 * (row.max().dataSync()[0] as number);
  const scored = withKnownScore(model, { ...nodes, clip });
  const [kernel = '', bias = ''] =
    model.topology.node.find(({ name }) => name === logits)?.input.slice(1) ?? [];
  const program = await stock(scored);
  const [weights, moved] = program.execute(inputs, [kernel, bias]) as [tf.Tensor2D, tf.Tensor];
  const largest = row.minimum(clip).matMul(weights).add(moved).max(1, true);
  const expected = tf.sigmoid(largest.mul(nodes.slope).add(nodes.offset));
  const inStock = program.execute(inputs, KNOWN_SCORE) as tf.Tensor;
  expect(largestDifference(inStock, expected)).toBeLessThan(1e-5);
  expect(largestDifference(await runCut(scored, KNOWN_SCORE), inStock)).toBeLessThan(1e-5);
  const plain = await runCut(withKnownScore(model, nodes), KNOWN_SCORE);
  expect(largestDifference(plain, inStock)).toBeGreaterThan(1e-3);
  expect(readKnownScore(scored)?.clip).toBeCloseTo(clip, 5);
  expect(scored.weightData.length - model.weightData.length).toBeLessThan(40);
});

test('leaves nothing behind when it is taken away', () => {
  const prototypes = { width: 8, values: new Float32Array(16).fill(1) };
  const { topology, weightSpecs, weightData } = withoutKnownScore(
    withKnownScore(model, { ...nodes, prototypes }),
  );
  expect(topology).toEqual(model.topology);
  expect(weightSpecs).toEqual(model.weightSpecs);
  expect(Buffer.compare(weightData, model.weightData)).toBe(0);
});

test('keeps the wanted share of the known images, and says what it measured', async () => {
  const classes = model.weightSpecs.at(-1)?.shape[0] as number;
  const set = colours(60 * classes, classes);
  const part = (first: number) => ({
    set,
    indices: Array.from({ length: 20 * classes }, (_, i) => 20 * classes * first + i),
  });
  const { model: scored, knownScore } = await fitKnownScore(model, {
    preprocess: TINY_PREPROCESS,
    arithmetic: 'float32',
    classes,
    splits: { train: part(0), validation: part(1), test: part(2) },
    // These are known images, too few to fit: nothing can tell them apart.
    counterExamples: { set, indices: part(2).indices.slice(0, 9) },
    keep: 0.9,
    seed: 1,
    signal: new AbortController().signal,
  });
  expect(knownScore).toMatchObject({ method: 'prototypes', keep: 0.9, images: 20 * classes });
  const [counter, generated, leftOut] = knownScore.measured;
  expect(counter).toMatchObject({ unknown: 'counter-examples', images: 9 });
  expect(counter?.auroc).toBeGreaterThan(0.25);
  expect(counter?.auroc).toBeLessThan(0.75);
  expect(generated).toMatchObject({ unknown: 'generated', images: 200, known: 20 * classes });
  expect(leftOut).toMatchObject({ unknown: 'classes left out', images: 20 * classes });
  expect(leftOut?.auroc).toBeGreaterThan(0.5);

  const source = imageBatches(part(1), TINY_PREPROCESS);
  const validation = await source.inputs([...Array(source.length).keys()], createRandom(0));
  const graph = await loadGraph(toArtifacts(cutGraph(scored, KNOWN_SCORE)));
  const scores = [...(await graph.run(validation).data())];
  const kept = scores.filter((score) => score >= KNOWN_FROM).length / scores.length;
  expect(kept).toBeGreaterThanOrEqual(0.89);
  expect(kept).toBeLessThan(0.93);
  graph.dispose();
  validation.dispose();
});

test('leaves labels out of images that have several, and looks for those that have no other', async () => {
  const classes = model.weightSpecs.at(-1)?.shape[0] as number;
  const plain = colours(60 * classes, classes);
  // Every fifth image has the label before its own too, and every seventh has none.
  const labels = (index: number) => {
    if (index % 7 === 0) return [];
    const own = plain.label(index);
    return index % 5 === 0 && own > 0 ? [own - 1, own] : [own];
  };
  const set = { ...plain, label: (index: number) => labels(index)[0] ?? classes, labels };
  const part = (first: number) => ({
    set,
    indices: Array.from({ length: 20 * classes }, (_, i) => 20 * classes * first + i),
  });
  const { knownScore } = await fitKnownScore(model, {
    ...{ preprocess: TINY_PREPROCESS, arithmetic: 'float32', classes, keep: 0.9, seed: 1 },
    splits: { train: part(0), validation: part(1), test: part(2) },
    signal: new AbortController().signal,
  });
  expect(knownScore).toMatchObject({ method: 'prototypes', images: 20 * classes });
  const leftOut = knownScore.measured.find(({ unknown }) => unknown === 'classes left out');
  const alone = part(2).indices.filter((index) => labels(index).length === 1);
  expect(leftOut).toMatchObject({ images: alone.length, known: 20 * classes });
  expect(leftOut?.auroc).toBeGreaterThan(0.5);
});

test('moves away from counter-examples, and measures on others than it is fitted with', async () => {
  const classes = model.weightSpecs.at(-1)?.shape[0] as number;
  const set = colours(60 * classes, classes);
  const part = (first: number) => ({
    set,
    indices: Array.from({ length: 20 * classes }, (_, i) => 20 * classes * first + i),
  });
  // All of one hue, near that of the first class.
  const { image } = colours(20, classes, 0.4);
  const others = { length: 20, label: () => 0, image: (index: number) => image(classes * index) };
  const counterExamples = { set: others, indices: [...Array(20).keys()] };
  const task = {
    preprocess: TINY_PREPROCESS,
    arithmetic: 'float32',
    classes,
    splits: { train: part(0), validation: part(1), test: part(2) },
    keep: 0.9,
    seed: 1,
    signal: new AbortController().signal,
  } as const;
  const fitted = await fitKnownScore(model, { ...task, counterExamples });
  // With so few, all of them measure and none fits.
  const few = { ...counterExamples, indices: counterExamples.indices.slice(0, 9) };
  const unfitted = await fitKnownScore(model, { ...task, counterExamples: few });
  expect(fitted.knownScore.measured[0]).toMatchObject({ unknown: 'counter-examples', images: 10 });
  expect(unfitted.knownScore.measured[0]).toMatchObject({ images: 9 });
  const aurocOf = ({ knownScore }: typeof fitted) => knownScore.measured[0]?.auroc as number;
  expect(aurocOf(fitted)).toBeGreaterThan(aurocOf(unfitted));

  // What moves the prototypes is kept for classes that are added later.
  expect(readKnownScore(unfitted.model)?.counter).toBeUndefined();
  const { prototypes, counter } = readKnownScore(fitted.model) ?? {};
  const plain = readKnownScore(unfitted.model)?.prototypes;
  expect(counter?.some((value) => value > 0)).toBe(true);
  for (const [i, value] of [...(counter ?? [])].entries()) {
    expect((plain?.values[i] as number) - value).toBeCloseTo(prototypes?.values[i] as number, 1);
  }
  const served = (await stock(fitted.model)).execute(inputs, [KNOWN_SCORE]);
  expect(
    largestDifference(await runCut(fitted.model, KNOWN_SCORE), served as tf.Tensor),
  ).toBeLessThan(1e-5);
});

/** A colour for each class, and a little noise. */
function colours(length: number, classes: number, shift = 0): ImageSet {
  return {
    length,
    label: (index) => index % classes,
    image(index) {
      const hue = (2 * Math.PI * (index % classes)) / classes + shift;
      const data = Uint8Array.from({ length: TINY_SIZE ** 2 * 3 }, (_, i) => {
        const noise = 37 * Math.sin(index * 31 + i * (1 + (index % 7)));
        return 128 + 90 * Math.sin(hue + ((i % 3) * 2 * Math.PI) / 3) + noise;
      });
      return { width: TINY_SIZE, height: TINY_SIZE, channels: 3, data };
    },
  };
}
