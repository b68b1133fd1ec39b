import * as tf from '@tensorflow/tfjs';
import { foldGraph } from 'shared/inference/fold-constants';
import { activationMap, pooledHeadOf } from 'shared/inference/graph/class-activation';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
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
    const head = pooledHeadOf(folded);
    if (!head) throw new Error('The tiny network has a pooled head.');
    const graph = loadGraph(folded, 'float32');
    const inputs = tf.randomNormal([1, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
    const served = graph.withFeatures(inputs).at(-1) as tf.Tensor;
    const features = (await served.data()) as Float32Array;

    // As Zhou et al. say: a weighted sum of the last feature maps, here a convolution of 1 × 1.
    const stock = await tf.loadGraphModel({ load: async () => artifacts });
    const [last, kernel] = stock.execute(inputs, [head.features, head.kernel.name]) as [
      tf.Tensor4D,
      tf.Tensor2D,
    ];
    const maps = tf.conv2d(last, kernel.expandDims(0).expandDims(0) as tf.Tensor4D, 1, 'valid');
    expect(new Set(maps.dataSync()).size).toBeGreaterThan(3);
    for (const label of [0, 1, 2]) {
      const expected = await maps.slice([0, 0, 0, label], [-1, -1, -1, 1]).data();
      const { rows, columns, values } = activationMap(features, head.kernel, label);
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
