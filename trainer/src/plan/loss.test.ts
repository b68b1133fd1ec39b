import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { sigmoidCrossEntropy, softmaxCrossEntropy } from './loss.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const targets = () =>
  tf.tensor2d([
    [1, 0, 0],
    [0, 0.25, 0.75],
  ]);

test('is what tfjs computes for moderate logits, and so is its derivative', () => {
  const logits = tf.tensor2d([
    [2, -1, 0.5],
    [0.1, 3, -2],
  ]);
  const reference = (x: tf.Tensor) =>
    tf.losses.softmaxCrossEntropy(targets(), x as tf.Tensor2D).asScalar();
  const { loss, logits: gradient } = softmaxCrossEntropy(logits, targets());
  expect(loss.dataSync()[0]).toBeCloseTo(reference(logits).dataSync()[0] as number, 6);
  const expected = tf.grad(reference)(logits).dataSync();
  gradient.dataSync().forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 6);
  });
});

test('counts an example for as much as its row adds up to', () => {
  const logits = tf.tensor2d([
    [2, -1, 0.5],
    [0.1, 3, -2],
  ]);
  const weighted = targets().mul<tf.Tensor2D>([[3], [0.5]]);
  // The loss by the logits, of each example by itself.
  const [first, second] = [0, 1].map((row) => {
    const of = (tensor: tf.Tensor2D) => tensor.slice([row, 0], [1, 3]);
    return softmaxCrossEntropy(of(logits), of(targets()));
  });
  const { loss, logits: gradient } = softmaxCrossEntropy(logits, weighted);
  const value = (scalar: tf.Scalar | undefined) => scalar?.dataSync()[0] as number;
  expect(value(loss)).toBeCloseTo((3 * value(first?.loss) + 0.5 * value(second?.loss)) / 2, 6);
  const expected = [
    ...[...(first?.logits.dataSync() ?? [])].map((by) => 1.5 * by),
    ...[...(second?.logits.dataSync() ?? [])].map((by) => 0.25 * by),
  ];
  gradient.dataSync().forEach((by, i) => {
    expect(by).toBeCloseTo(expected[i] as number, 6);
  });
});

test('stays finite where a probability underflows', () => {
  const logits = tf.tensor2d([
    [-1000, 1000, 0],
    [1000, 1000, 1000],
  ]);
  const { loss, logits: gradient } = softmaxCrossEntropy(logits, targets());
  expect(loss.dataSync()[0]).toBeCloseTo((2000 + Math.log(3)) / 2, 2);
  expect(gradient.arraySync()[0]).toEqual([-0.5, 0.5, 0]);
});

test('leaves its two results and no other tensor', () => {
  const given = [
    tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]),
    targets(),
  ] as const;
  const before = tf.memory().numTensors;
  const { loss, logits } = softmaxCrossEntropy(...given);
  expect(tf.memory().numTensors).toBe(before + 2);
  tf.dispose([loss, logits]);
});

test('of several labels is what tfjs computes, summed over the classes, and so is its derivative', () => {
  const several = tf.tensor2d([
    [1, 0, 1],
    [0, 0.25, 0],
  ]);
  const logits = tf.tensor2d([
    [2, -1, 0.5],
    [0.1, 3, -2],
  ]);
  const weights = [2, 0.5, 1];
  const reference = (x: tf.Tensor) => {
    const p = x.sigmoid();
    const present = several.mul(tf.tensor1d(weights)).mul(p.log());
    const absent = tf.sub(1, several).mul(tf.sub(1, p).log());
    return present.add(absent).sum().div(-2).asScalar();
  };
  const { loss, logits: gradient } = sigmoidCrossEntropy(logits, several, weights);
  expect(loss.dataSync()[0]).toBeCloseTo(reference(logits).dataSync()[0] as number, 5);
  const expected = tf.grad(reference)(logits).dataSync();
  gradient.dataSync().forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 5);
  });
});

test('of several labels is finite for logits of any size', () => {
  const logits = tf.tensor2d([[1000, -1000, 1000, -1000]]);
  const { loss, logits: gradient } = sigmoidCrossEntropy(logits, tf.tensor2d([[1, 0, 0, 1]]));
  expect(loss.dataSync()[0]).toBe(2000);
  expect([...gradient.dataSync()]).toEqual([0, 0, 1, -1]);
});
