import { expect, test } from 'vitest';
import {
  type Case,
  depthOf,
  guarded,
  inputLength,
  kernels,
  randomConvolution,
  reference,
  shapeArguments,
  unclamped,
} from './kernel-cases.ts';
import { between, one } from './random-cases.ts';

/** What lies under the filter at each output pixel. */
function patchesOf(c: Case, x: Float32Array): number[] {
  const k = depthOf(c);
  // A filter for each value under it takes the patches apart.
  const each = Float32Array.from({ length: k * k }, (_, at) => Number(at % (k + 1) === 0));
  return reference({ ...c, n: k, bias: new Float32Array(), clamp: unclamped }, x, each, false);
}

/** All of its numbers are parts of a power of two, so that none is rounded but to codes. */
function randomImages(c: Case, parts: number) {
  const most = 127 * parts;
  const length = inputLength(c) / c.batch;
  const images = Array.from({ length: c.batch }, () => {
    const least = one([0, -most, between(1 - most, -1)]);
    const step = 2 ** -between(3, 8);
    // Zeros beyond the edges are codes where no pixel is as small.
    const above = least === 0 ? 40 : 0;
    const quarters = Array.from({ length }, () => between(least + above, least + most) * 4);
    const x = quarters.map((value) => ((value + between(-1, 1)) / 4) * step);
    if (least < 0) x[0] = least * step;
    x[length - 1] = (least + most) * step;
    const inside = x.map((value) => Math.min(Math.max(value, least * step), (least + most) * step));
    return { least: least * step, step, x: inside };
  });
  return { images, x: Float32Array.from(images.flatMap(({ x }) => x)) };
}

test('patches of images in 8 bits are those of plain loops, and touch nothing else', () => {
  let refused = 0;
  for (let i = 0; i < 80; i++) {
    const random = randomConvolution();
    const c = { ...random, width: Math.max(random.width, 2) };
    const { filterHeight, filterWidth, outHeight, outWidth, ...shape } = shapeArguments(c);
    const parts = between(1, 4);
    const { images, x } = randomImages(c, parts);
    const k = depthOf(c);
    const partBytes = Math.ceil(k / 16) * 16;
    const rowBytes = parts * partBytes;
    const pixels = outHeight * outWidth;
    const scalesAt = c.batch * pixels * rowBytes + 16;
    const work = one([40, 200, 2000]);
    const buffers = { x, work, out: (scalesAt + c.batch * pixels * 8) / 4 };
    let isDone = 1;
    const results = guarded.run(buffers, (at) => {
      isDone = kernels.quantizePatches({
        ...{ ...shape, filterHeight, filterWidth, outHeight, outWidth, channels: c.channels },
        ...{ x: at.x, parts, rows: at.out, scales: at.out + scalesAt, work: at.work },
        workBytes: work * 4,
      });
    });
    if (!isDone) {
      refused++;
      continue;
    }
    const imageOf = (row: number) => images[Math.floor(row / pixels)] as (typeof images)[number];
    const expected = patchesOf(c, x).map((value, at) => {
      const { least, step } = imageOf(Math.floor(at / k));
      return Math.floor((value - least) / step + 0.5);
    });
    for (const result of results) {
      const bytes = new Uint8Array(result.buffer);
      const rows = Array.from({ length: c.batch * pixels }, (_, row) => row);
      const sums = rows.flatMap((row) => {
        const codes = Array.from({ length: parts }, (_, part) => {
          const from = row * rowBytes + part * partBytes;
          return [...bytes.subarray(from, from + k)];
        });
        expect(Math.max(...codes.flat())).toBeLessThanOrEqual(127);
        return Array.from({ length: k }, (_, i) =>
          codes.reduce((sum, part) => sum + (part[i] as number), 0),
        );
      });
      expect(sums).toEqual(expected);
      expect([...result.subarray(scalesAt / 4)]).toEqual(
        rows.flatMap((row) => [imageOf(row).step, imageOf(row).least]),
      );
    }
  }
  expect(refused).toBeGreaterThan(5);
  expect(refused).toBeLessThan(60);
});

test.each([NaN, Infinity])('an image with %d has no range', (strange) => {
  for (let place = 0; place < 18; place++) {
    const x = Float32Array.from({ length: 18 }, (_, i) => i - 9);
    x[place] = strange;
    const shape = { batch: 1, height: 3, width: 3, channels: 2, outHeight: 1, outWidth: 1 };
    const filter = {
      filterHeight: 3,
      filterWidth: 3,
      strideY: 1,
      strideX: 1,
      padTop: 0,
      padLeft: 0,
    };
    const results = guarded.run({ x, work: 100, out: 32 / 4 + 4 + 2 }, (at) =>
      kernels.quantizePatches({
        ...{ ...shape, ...filter, x: at.x, parts: 1, rows: at.out, scales: at.out + 48 },
        ...{ work: at.work, workBytes: 400 },
      }),
    );
    for (const result of results) expect(result.at(-1)).toBeNaN();
  }
});
