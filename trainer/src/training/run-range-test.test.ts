import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { overrideConfig } from '../config/config-fields.ts';
import { smoke } from '../config/smoke.ts';
import { runRangeTest } from './run-range-test.ts';

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

const config = overrideConfig(smoke, {
  backbone: 'lenet5',
  weights: 'none',
  size: '32',
  limit: '100',
  'stage1.epochs': '2',
  'stage2.batchSize': '8',
});
const source = {
  data: null,
  strict: true,
  signal: new AbortController().signal,
  say: () => {},
};

test.each([1, 2] as const)('shows the losses of stage %i and suggests a peak', async (stage) => {
  const before = tf.memory().numTensors;
  const text = await runRangeTest(config, stage, source);
  expect(tf.memory().numTensors).toBe(before);
  const lines = text.split('\n');
  const rates = lines.slice(1, -1).map((line) => {
    expect(line).toMatch(/^ *\d\.\de-?\+?\d+ +\d+\.\d{4} {2}█+$/);
    return Number(line.trim().split(' ')[0]);
  });
  expect(rates.length).toBeGreaterThan(5);
  expect([...rates].sort((a, b) => a - b)).toEqual(rates);
  const [, least, middle, from, to] =
    new RegExp(
      `^The loss is least at (\\S+)\\. Try --stage${stage}\\.peakLearningRate (\\S+), or others from (\\S+) to (\\S+)\\.$`,
    ).exec(lines.at(-1) as string) ?? [];
  expect(Number(from)).toBeLessThan(Number(middle));
  expect(Number(middle)).toBeLessThan(Number(to));
  expect(to).toBe(least);
});
