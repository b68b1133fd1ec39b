import * as tf from '@tensorflow/tfjs';
import { foldGraph } from 'shared/inference/fold-constants';
import { activationMap, nodesOf } from 'shared/inference/graph/class-activation';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { attachHead } from '../models/head.ts';
import { loadGraph as loadNetwork } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, type Plan } from '../plan/plan.ts';
import { toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';

let plan: Plan;

beforeAll(async () => {
  await startBackend('wasm', () => {});
  plan = fusePlan(buildTinyNetwork({ dropout: 0.5 }));
});

afterAll(() => disposePlan(plan));

test.each(['uint8', 'float32'] as const)(
  'stock tfjs computes the same class activation maps from %s',
  async (format) => {
    const artifacts = toArtifacts(await toGraphModel(plan, TINY_SIZE, format));
    const folded = foldGraph(artifacts);
    const graph = loadGraph(folded, 'float32');
    const { head } = graph;
    if (!head) throw new Error('The tiny network has a pooled head.');
    const inputs = tf.randomNormal([1, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
    const served = graph.withFeatures(inputs).at(-1) as tf.Tensor;
    const features = (await served.data()) as Float32Array;

    // As Zhou et al. say: a weighted sum of the last feature maps, here a convolution of 1 × 1.
    const stock = await tf.loadGraphModel({ load: async () => artifacts });
    const names = [...nodesOf(head), ...head.layers.map(({ kernel }) => kernel.name)];
    const [last, kernel] = stock.execute(inputs, names) as [tf.Tensor4D, tf.Tensor2D];
    const maps = tf.conv2d(last, kernel.expandDims(0).expandDims(0) as tf.Tensor4D, 1, 'valid');
    expect(new Set(maps.dataSync()).size).toBeGreaterThan(3);
    for (const label of [0, 1, 2]) {
      const expected = await maps.slice([0, 0, 0, label], [-1, -1, -1, 1]).data();
      const { rows, columns, values } = activationMap(head, features, label);
      expect([rows, columns]).toEqual(maps.shape.slice(1, 3));
      for (const [place, value] of values.entries()) {
        expect(value).toBeCloseTo(expected[place] as number, 4);
      }
    }
    graph.dispose();
    stock.dispose();
    tf.dispose([inputs, served, last, kernel, maps]);
  },
);

const SIDE = 5;
const CHANNELS = 6;

/** What comes before a head whose features are its input. */
function features(): tf.LayersModel {
  const input = tf.input({ shape: [SIDE, SIDE, CHANNELS] });
  const layer = tf.layers.conv2d({ name: 'features', filters: CHANNELS, kernelSize: 1 });
  const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
  layer.setWeights([tf.eye(CHANNELS).expandDims(0).expandDims(0), tf.zeros([CHANNELS])]);
  return model;
}

function flattened(activation: 'relu' | 'tanh'): tf.LayersModel {
  const { inputs, outputs } = features();
  let x = tf.layers.flatten({ name: 'flat' }).apply(outputs) as tf.SymbolicTensor;
  for (const [i, units] of [9, 7].entries()) {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: i + 1 });
    const dense = tf.layers.dense({ name: `fc${i}`, units, activation, kernelInitializer });
    x = dense.apply(x) as tf.SymbolicTensor;
    x = tf.layers.dropout({ name: `drop${i}`, rate: 0.5 }).apply(x) as tf.SymbolicTensor;
  }
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 3 });
  const last = { name: 'predictions', units: 3, activation: 'softmax', kernelInitializer } as const;
  return tf.model({ inputs, outputs: tf.layers.dense(last).apply(x) as tf.SymbolicTensor });
}

test.each([
  ['linear', () => attachHead(features(), 3, { head: 'linear', dropout: 0.5, seed: 1 })],
  ['convolution', () => attachHead(features(), 3, { head: 'convolution', dropout: 0.5, seed: 1 })],
  ['flattening and ReLU', () => flattened('relu')],
  ['flattening and tanh', () => flattened('tanh')],
] as const)('a map of the head %s is its features times their gradients', async (_, build) => {
  const model = build();
  const plan = fusePlan(model);
  const input = tf.randomUniform([1, SIDE, SIDE, CHANNELS], 0.1, 2, 'float32', 3);
  const mapped = await loadNetwork(toArtifacts(await toGraphModel(plan, SIDE, 'float32')));
  const [one, other] = [0, 2].map((label) => mapped.explain?.(input, label).values);
  // The difference of two logits is that of the probabilities' logarithms, which tfjs has gradients of.
  const apart = (x: tf.Tensor) => {
    const logarithms = (model.predict(x) as tf.Tensor).log();
    return tf.sub(logarithms.slice([0, 0], [1, 1]), logarithms.slice([0, 2], [1, 1])).asScalar();
  };
  const expected = tf.tidy(() =>
    tf
      .grad(apart)(input)
      .mul(input)
      .sum(3)
      .mul(SIDE ** 2)
      .dataSync(),
  );
  expect(one).toHaveLength(SIDE ** 2);
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
  for (const [place, value] of expected.entries()) {
    expect((one?.[place] ?? 0) - (other?.[place] ?? 0)).toBeCloseTo(value, 3);
  }
  mapped.dispose();
  disposePlan(plan);
  model.dispose();
  input.dispose();
});
