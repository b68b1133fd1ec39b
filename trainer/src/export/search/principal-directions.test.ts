import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../../backends/start-backend.ts';
import { createRandom } from '../../config/random.ts';
import { eachRow } from '../feature-rows.ts';
import { principalDirections, project } from './principal-directions.ts';

beforeAll(() => startBackend('wasm', () => {}));

const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);

test('finds the directions in which rows are longest, orthonormal', () => {
  const random = createRandom(3);
  const [count, width] = [200, 24];
  // Along channel i, the deviation is 2⁻ⁱ.
  const values = Float32Array.from(
    { length: count * width },
    (_, at) => (random.float() * 2 - 1) * 2 ** -(at % width),
  );
  const before = tf.memory().numTensors;
  const directions = principalDirections({ width, values }, 4);
  const rows = eachRow(directions);
  for (const [at, row] of rows.entries()) {
    expect(Math.abs(row[at] as number)).toBeGreaterThan(0.97);
    for (const [other, second] of rows.entries()) {
      expect(dot(row, second)).toBeCloseTo(at === other ? 1 : 0, 5);
    }
  }
  const projected = project({ width, values }, directions);
  expect(tf.memory().numTensors).toBe(before);
  expect(projected.width).toBe(4);
  const share = dot(projected.values, projected.values) / dot(values, values);
  // Of the geometric series, what four terms have.
  expect(share).toBeGreaterThan(0.99);
  expect(share).toBeLessThan(1);
  expect(projected.values[5]).toBeCloseTo(
    dot(rows[1] as Float32Array, values.subarray(width, 2 * width)),
    5,
  );
});
