import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../fixtures/tiny-network.ts';
import { startBackend } from '../src/backends/start-backend.ts';
import { fusePlan } from '../src/plan/fuse.ts';
import { runPlan } from '../src/plan/run.ts';
import { toOnnxModel } from './onnx-model.ts';

test('answers in onnxruntime as the plan does', async () => {
  await startBackend('cpu', () => {});
  const plan = fusePlan(buildTinyNetwork());
  const photos = tf.randomNormal<tf.Rank.R4>([5, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
  const shape = [5, 3, TINY_SIZE, TINY_SIZE];
  const session = await ort.InferenceSession.create(await toOnnxModel(plan, shape));
  const channelsFirst = (await photos.transpose([0, 3, 1, 2]).data()) as Float32Array;
  const { output } = await session.run({ input: new ort.Tensor('float32', channelsFirst, shape) });
  const expected = runPlan(plan, photos).dataSync();
  expect(output?.dims).toEqual([5, 3]);
  expected.forEach((probability, i) => {
    expect(output?.data[i]).toBeCloseTo(probability, 5);
  });
});
