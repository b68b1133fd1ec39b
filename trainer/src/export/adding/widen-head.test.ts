import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import type { KernelFormat } from '../../config/quantizations.ts';
import { loadGraph } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan, type Plan } from '../../plan/plan.ts';
import { type GraphModel, toArtifacts } from '../graph-builder.ts';
import { toGraphModel } from '../graph-model.ts';
import { readHead } from '../head/head.ts';
import { cutGraph, headOf } from '../known-score.ts';
import { widenHead } from './widen-head.ts';

let plan: Plan;
beforeAll(async () => {
  await startBackend('wasm', () => {});
  plan = fusePlan(buildTinyNetwork());
  return () => disposePlan(plan);
});

const inputs = () => tf.randomNormal([6, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);

async function outputOf(model: GraphModel, name: string): Promise<tf.Tensor> {
  const graph = await loadGraph(toArtifacts(cutGraph(model, name)));
  const output = graph.run(inputs());
  graph.dispose();
  return output;
}

test.each<KernelFormat>(['uint8', 'uint16', 'float16', 'float32'])(
  'adds a logit to a head in %s, and leaves the others as they are',
  async (format) => {
    const model = await toGraphModel(plan, TINY_SIZE, format);
    const { logits, features } = headOf(model);
    const { channels } = readHead(model);
    const weights = Float32Array.from({ length: channels }, (_, at) => at / channels - 0.3);
    const wider = widenHead(model, { weights, bias: 0.25 });
    const before = await outputOf(model, logits);
    const after = await outputOf(wider, logits);
    const added = (await outputOf(model, features))
      .matMul(tf.tensor2d(weights, [channels, 1]))
      .add(0.25);
    expect(after.shape).toEqual([6, 4]);
    expect(largestDifference(after.slice([0, 0], [6, 3]), before)).toBeLessThan(1e-5);
    expect(largestDifference(after.slice([0, 3], [6, 1]), added)).toBeLessThan(0.02);
    const { outputs } = wider.signature as { outputs: object };
    expect(JSON.stringify(outputs)).toContain('[{"size":"-1"},{"size":"4"}]');

    const graph = await tf.loadGraphModel({ load: async () => toArtifacts(wider) });
    const probabilities = graph.predict(inputs()) as tf.Tensor;
    expect(largestDifference(probabilities, after.softmax())).toBeLessThan(1e-5);
    graph.dispose();
  },
);
