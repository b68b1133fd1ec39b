import * as tf from '@tensorflow/tfjs';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import type { Part } from '../datasets/split.ts';
import { loadGraph } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { chooseFormats } from './choose-formats.ts';
import { type KernelFormats, toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';

const COUNT = 40;
const spec = {
  fit: 'cover',
  size: TINY_SIZE,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [{ operation: 'divide', by: [64, 64, 64] }],
} as const;

const random = createRandom(1);
const noise = Array.from({ length: COUNT }, () => ({
  width: TINY_SIZE,
  height: TINY_SIZE,
  channels: 3 as const,
  data: Uint8Array.from({ length: TINY_SIZE ** 2 * 3 }, () => random.float() * 256),
}));
const images: Part = {
  set: { length: COUNT, image: (index) => noise[index] as never, label: (index) => index % 3 },
  indices: [...noise.keys()],
};

let plan: Plan;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  plan = fusePlan(buildTinyNetwork());
});

/** Mean KL(float32 ‖ quantized), and the size of all weights in bytes. */
async function costOf(formats: KernelFormats): Promise<{ loss: number; bytes: number }> {
  const model = await toGraphModel(plan, TINY_SIZE, formats);
  const graph = await loadGraph(toArtifacts(model));
  const loss = tf.tidy(() => {
    const inputs = noise.map((image) =>
      tf.tensor(preprocess(image, spec), [TINY_SIZE, TINY_SIZE, 3]),
    );
    const batch = tf.stack(inputs);
    const expected = runPlan(plan, batch);
    return expected
      .mul(expected.div(graph.run(batch)).log())
      .sum()
      .dataSync()[0] as number;
  });
  graph.dispose();
  return { loss: loss / COUNT, bytes: model.weightData.length };
}

test('reduces the loss of 8 bits with a few kernels in float16, and leaks no tensor', async () => {
  const before = tf.memory().numTensors;
  const formats = await chooseFormats(plan, spec, images, new AbortController().signal);
  expect(tf.memory().numTensors).toBe(before);
  const { kernels } = await toGraphModel(plan, TINY_SIZE, 'float32');
  expect([...formats.keys()]).toEqual([...kernels.keys()]);
  expect(new Set(formats.values())).toEqual(new Set(['uint8', 'float16']));

  const [uint8, mixed] = [await costOf('uint8'), await costOf(formats)];
  expect(uint8.loss).toBeGreaterThan(0);
  expect(mixed.loss).toBeLessThan(uint8.loss);
  const numbers = [...kernels.values()].reduce((sum, size) => sum + size, 0);
  expect(mixed.bytes - uint8.bytes).toBeLessThanOrEqual(numbers * 0.1);
});

test('stops when the signal is aborted, and leaks no tensor', async () => {
  const before = tf.memory().numTensors;
  const reason = new Error('enough');
  await expect(chooseFormats(plan, spec, images, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(tf.memory().numTensors).toBe(before);
});
