import { expect, test } from 'vitest';
import { layouts } from './dav1d.ts';
import { rgbaWriter } from './yuv.ts';

/** The blue of each pixel of 5 × 3, whose luma is 0 and whose U is given in rows of three. */
function bluesOf(layout: number, u: readonly number[], isSmooth: boolean): number[][] {
  const [width, height] = [5, 3];
  const plane = (samples: readonly number[], stride: number) => ({
    samples: Uint8Array.from(samples),
    stride,
  });
  const image = { width, height, depth: 8, layout, matrix: 0, isFullRange: true };
  // By the identity matrix, U is blue as it is.
  const planes = [plane(Array(15).fill(0), width), plane(u, 3), plane(u, 3)] as const;
  const writeRow = rgbaWriter({ ...image, planes }, image, isSmooth);
  return Array.from({ length: height }, (_, y) => {
    const rgba = new Uint8ClampedArray(width * 4);
    writeRow(y, rgba);
    return Array.from({ length: width }, (_, x) => rgba[x * 4 + 2] as number);
  });
}

test('interpolates chroma between the middles of its samples', () => {
  expect(bluesOf(layouts[420], [0, 160, 80, 160, 0, 80], true)).toEqual([
    [0, 40, 120, 140, 100],
    [40, 60, 100, 110, 90],
    [120, 100, 60, 50, 70],
  ]);
  const row = [0, 160, 80];
  expect(bluesOf(layouts[422], [...row, ...row, ...row], true)).toEqual(
    Array(3).fill([0, 40, 120, 140, 100]),
  );
});

test('repeats chroma where it need not be smooth', () => {
  expect(bluesOf(layouts[420], [0, 160, 80, 160, 0, 80], false)).toEqual([
    [0, 0, 160, 160, 80],
    [0, 0, 160, 160, 80],
    [160, 160, 0, 0, 80],
  ]);
});
