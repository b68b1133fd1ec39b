import { expect, test } from 'vitest';
import { createRandom } from '../config/random.ts';
import { clusterDirections, nearestTo, unitRows } from './prototypes.ts';

/** Rows around three directions of different length. */
const values = Float32Array.from(
  Array.from({ length: 30 }, (_, i) => {
    const jitter = 0.05 * Math.sin(i * 7);
    const length = 1 + (i % 5);
    return (
      [
        [1, jitter, 0],
        [jitter, 1, 0],
        [0, jitter, -1],
      ][i % 3]?.map((x) => x * length) ?? []
    );
  }).flat(),
);
const rows = unitRows({ width: 3, values }, [...Array(30).keys()]);

test('finds the directions that rows are close to', () => {
  const centres = [1, 2, 3].map((seed) => clusterDirections(rows, 3, createRandom(seed)));
  for (const { values } of centres) {
    for (let at = 0; at < 9; at += 3) {
      expect(Math.hypot(...values.subarray(at, at + 3))).toBeCloseTo(1, 5);
    }
  }
  const worst = (centre: (typeof centres)[number]) =>
    Math.min(
      ...Array.from(
        { length: 30 },
        (_, i) => nearestTo(rows.values.subarray(3 * i, 3 * i + 3), centre).product,
      ),
    );
  expect(Math.max(...centres.map(worst))).toBeGreaterThan(0.99);
});

test('has no more centres than rows', () => {
  const few = unitRows({ width: 3, values }, [0, 1]);
  expect(clusterDirections(few, 8, createRandom(1)).values).toHaveLength(6);
});

test('keeps a row of zeros', () => {
  expect([...unitRows({ width: 2, values: new Float32Array(2) }, [0]).values]).toEqual([0, 0]);
});
