import { expect, test } from 'vitest';
import { addToMoment, principalDirections, project } from './principal-directions.ts';

const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('finds the directions in which vectors are longest, orthonormal', () => {
  const next = random(3);
  const [count, width] = [200, 24];
  // Along channel i, the deviation is 2⁻ⁱ.
  const vectors = Float32Array.from(
    { length: count * width },
    (_, at) => (next() * 2 - 1) * 2 ** -(at % width),
  );
  const all = Array.from({ length: count }, (_, at) =>
    vectors.subarray(at * width, (at + 1) * width),
  );
  const moment = new Float32Array(width * width);
  addToMoment(moment, all.slice(0, 150));
  addToMoment(moment, all.slice(150));
  const directions = principalDirections(moment, 4);
  const rows = [0, 1, 2, 3].map((at) => directions.subarray(at * width, (at + 1) * width));
  for (const [at, row] of rows.entries()) {
    expect(Math.abs(row[at] as number)).toBeGreaterThan(0.97);
    for (const [other, second] of rows.entries()) {
      expect(dot(row, second)).toBeCloseTo(at === other ? 1 : 0, 5);
    }
  }
  const projected = all.map((vector) => project(directions, vector));
  expect(projected[1]).toHaveLength(4);
  const kept = projected.reduce((sum, vector) => sum + dot(vector, vector), 0);
  const share = kept / dot(vectors, vectors);
  // Of the geometric series, what four terms have.
  expect(share).toBeGreaterThan(0.99);
  expect(share).toBeLessThan(1);
  expect(projected[1]?.[1]).toBeCloseTo(
    dot(rows[1] as Float32Array, vectors.subarray(width, 2 * width)),
    5,
  );
});
