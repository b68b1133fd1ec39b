import { expect, test } from 'vitest';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import {
  asConvolution,
  type Case,
  clamps,
  depthOf,
  expectClose,
  guarded,
  inputLength,
  kernels,
  pack,
  randomConvolution,
  reference,
  runConvolution,
  runProduct,
  shapeArguments,
  unclamped,
} from './kernel-cases.ts';
import { between, one, random, values } from './random-cases.ts';

test('a matrix product is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const [m, k, n] = [between(1, 60), between(1, 40), between(1, 40)];
    const matrix = { m, k, n, bias: values(one([0, n])), clamp: one(clamps) };
    const [a, b] = [values(m * k), values(k * n)];
    const results = runProduct(matrix, a, pack(b, k, n), 'multiply');
    expectClose(results, reference(asConvolution(matrix), a, b, false));
  }
});

test('rows that take more than a block are all computed', () => {
  const [m, k, n] = [150, 700, 8];
  const [a, b] = [values(m * k), values(k * n)];
  const matrix = { m, k, n, bias: new Float32Array(), clamp: unclamped };
  const results = runProduct(matrix, a, pack(b, k, n), 'multiply');
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += (a[row * k + i] as number) * (b[i * n + column] as number);
      expect(results[0]?.[row * n + column]).toBeCloseTo(sum, 3);
    }
  }
});

test('a convolution is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const c = randomConvolution();
    const k = depthOf(c);
    const [x, weights] = [values(inputLength(c)), values(k * c.n)];
    const packed = pack(weights, k, c.n);
    expectClose(runConvolution(c, x, packed, 'multiply'), reference(c, x, weights, false));
  }
});

test('a depthwise convolution is that of plain loops, and touches nothing else', () => {
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    const random = randomConvolution();
    const width = one([3, 5]);
    const n = random.channels;
    const c: Case = {
      ...random,
      width: between(width, 17),
      filter: [random.filter[0], width],
      strides: [random.strides[0], between(1, 2)],
      n,
      bias: values(one([0, n])),
    };
    const { bias, channels } = c;
    const shape = shapeArguments(c);
    const x = values(inputLength(c));
    const filter = values(depthOf(c));
    const work = one([2000, 6000, 30_000]);
    const out = c.batch * shape.outHeight * shape.outWidth * n;
    let isDone = 1;
    const results = guarded.run({ x, filter, bias, work, out }, (at) => {
      isDone = kernels.convolveDepthwise({
        ...shape,
        ...c.clamp,
        ...at,
        channels,
        bias: bias.length && at.bias,
        workBytes: work * 4,
      });
    });
    if (isDone) expectClose(results, reference(c, x, filter, true));
    else refused++;
  }
  expect(refused).toBeLessThan(30);
});

test('the mean of pixels is that of plain loops, and touches nothing else', () => {
  for (const [batch, pixels, channels] of [
    [1, 49, 16],
    [3, 5, 7],
    [2, 1, 1],
  ] as const) {
    const x = values(batch * pixels * channels);
    const results = guarded.run({ x, out: batch * channels }, (at) =>
      kernels.meanOfPixels({ ...at, batch, pixels, channels }),
    );
    const expected = Array.from({ length: batch * channels }, (_, i) => {
      const first = Math.floor(i / channels) * pixels * channels + (i % channels);
      let sum = 0;
      for (let pixel = 0; pixel < pixels; pixel++) sum += x[first + pixel * channels] as number;
      return sum / pixels;
    });
    expectClose(results, expected);
  }
});

test('a sum is that of plain loops, at any length, and touches nothing else', () => {
  for (let count = 1; count < 40; count++) {
    const [a, b] = [values(count), values(count)];
    const results = guarded.run({ a, b, out: count }, (at) => kernels.add({ ...at, count }));
    expectClose(
      results,
      Array.from(a, (value, i) => value + (b[i] as number)),
    );
  }
});

test('channels times factors are those of plain loops, and nothing else is touched', () => {
  for (let i = 0; i < 60; i++) {
    const [batch, pixels, channels] = [between(1, 3), between(1, 5), between(0, 21)];
    const x = values(batch * pixels * channels);
    const factors = values(batch * channels);
    const results = guarded.run({ x, factors, out: x.length }, (at) =>
      kernels.multiplyChannels({ ...at, batch, pixels, channels }),
    );
    const expected = Array.from(x, (value, at) => {
      const image = Math.floor(at / (pixels * channels));
      return value * (factors[image * channels + (at % channels)] as number);
    });
    expectClose(results, expected);
  }
});

const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));
/** Normal numbers are larger. Sigmoids below it may count as 0: tfjs-wasm's do, too. */
const TINY = 2 ** -126;

/** A millionth apart at most. */
function expectActivation(results: Float32Array[], x: Float32Array, isSwish: boolean): void {
  for (const result of results) {
    const far = x.findIndex((value, i) => {
      const factor = isSwish ? value : 1;
      const expected = factor * sigmoidOf(value);
      const error = Math.abs((result[i] as number) - expected);
      return error > Math.max(1e-6 * Math.abs(expected), TINY * Math.abs(factor), TINY);
    });
    expect(far, `${result[far]} for ${x[far]}`).toBe(-1);
    expect(result).toHaveLength(x.length);
  }
}

test.each([
  { name: 'sigmoid', limits: [1, 0, NaN] },
  { name: 'swish', limits: [Infinity, NaN, NaN] },
] as const)('a $name is right at any length, for any number', ({ name, limits }) => {
  const run = (x: Float32Array) =>
    guarded.run({ x, out: x.length }, (at) => kernels[name]({ ...at, count: x.length }));
  for (let count = 0; count < 20; count++) {
    const x = values(count).map((value) => value * 10);
    expectActivation(run(x), x, name === 'swish');
  }
  // Every 65,537th of all floats.
  const bits = Uint32Array.from({ length: 65_536 }, (_, i) => i * 65_537);
  const finite = new Float32Array(bits.buffer).filter(Number.isFinite);
  expectActivation(run(finite), finite, name === 'swish');
  const around = Float32Array.from({ length: 20_000 }, (_, i) => i / 100 - 100);
  expectActivation(run(around), around, name === 'swish');
  for (const result of run(Float32Array.of(Infinity, -Infinity, NaN)))
    expect([...result]).toEqual(limits);
});

/** 8-bit weights with any affine form, and their values in double precision. */
function quantized(shape: number[], factorCount: number) {
  const bytes = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, () => between(0, 255));
  const [scale, min] = [0.001 + random() / 100, random() * 2 - 1];
  const factors = values(factorCount);
  const weight = { name: 'weight', shape, dtype: 'float32', format: 'uint8', bytes };
  return {
    codes: new Float32Array(bytes.buffer),
    offset: min / scale,
    scales: factors.map((factor) => factor * scale),
    expected: valuesOf({ ...weight, scale, min, factors } as StoredWeight) as Float32Array,
  };
}

/** A ten-thousandth of a step of the largest scale apart at most, and two roundings of weights of many steps. */
function expectSteps(results: Float32Array[], expected: Float32Array, scales: Float32Array): void {
  const most = Math.max(...scales.map(Math.abs)) / 10_000;
  for (const result of results) {
    for (const [i, value] of result.entries()) {
      const weight = expected[i] as number;
      expect(Math.abs(value - weight)).toBeLessThan(most + 2 ** -23 * Math.abs(weight));
    }
  }
}

test('weights of 8 bits are what JavaScript makes of them, and nothing else is touched', () => {
  for (let i = 0; i < 60; i++) {
    const channels = between(1, 21);
    const count = channels * 4 * between(1, 9);
    const { codes, offset, scales, expected } = quantized([count], channels);
    const results = guarded.run({ codes, scales, out: count }, (at) =>
      kernels.dequantize({ ...at, count, offset, channels }),
    );
    expectSteps(results, expected, scales);
  }
});

test('weights of 8 bits are packed as they would be after it', () => {
  for (let i = 0; i < 60; i++) {
    const n = one([between(1, 7), 8, between(9, 30)]);
    const k = 4 * between(1, 9);
    const { codes, offset, scales, expected: b } = quantized([k, n], one([1, n]));
    const packed = pack(b, k, n);
    const results = guarded.run({ codes, scales, out: packed.length }, (at) =>
      kernels.dequantizePanels({ ...at, k, n, offset, channels: scales.length }),
    );
    expectSteps(results, packed, scales);
  }
});

test("the step in the middle of the exporter's range is exactly zero", () => {
  const codes = new Float32Array(Uint8Array.from([128, 128, 128, 128]).buffer);
  const offset = -128 / 127 / (1 / 127);
  const results = guarded.run({ codes, scales: Float32Array.of(0.37), out: 4 }, (at) =>
    kernels.dequantize({ ...at, count: 4, offset, channels: 1 }),
  );
  for (const result of results) expect([...result]).toEqual([0, 0, 0, 0]);
});
