import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import { type CnnKernels, INT8_WORK_BYTES, MAX_INT8_STEPS } from './cnn-kernels.ts';
import { cnnKernelsForNode } from './cnn-kernels-node.ts';
import { GuardedMemory } from './guarded-memory.ts';

// Every case runs once for each buffer, with guards that show any access beyond it.
const guarded = new GuardedMemory();
const kernels = cnnKernelsForNode()?.({ env: { memory: guarded.memory } }) as CnnKernels;

const clamps = [
  [-Infinity, Infinity],
  [0, Infinity],
  [0, 6],
] as const;

/** Park and Miller's generator. */
let seed = 7;
function random(): number {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
}
const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const one = <T>(choices: readonly T[]) => choices[between(0, choices.length - 1)] as T;
const values = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);

interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filter: readonly [height: number, width: number];
  readonly strides: readonly [vertical: number, horizontal: number];
  readonly pad: readonly [top: number, bottom: number, left: number, right: number];
  readonly n: number;
  readonly bias: Float32Array;
  readonly clamp: readonly [low: number, high: number];
}

function outSize({ height, width, filter, strides, pad }: Case): [number, number] {
  return [
    Math.floor((height + pad[0] + pad[1] - filter[0]) / strides[0]) + 1,
    Math.floor((width + pad[2] + pad[3] - filter[1]) / strides[1]) + 1,
  ];
}

/** In double precision, one output at a time. `weights` is `[height, width, channels, n or 1]`. */
function reference(c: Case, x: Float32Array, weights: Float32Array, depthwise: boolean): number[] {
  const [outHeight, outWidth] = outSize(c);
  const out: number[] = [];
  for (let b = 0; b < c.batch; b++) {
    for (let outY = 0; outY < outHeight; outY++) {
      for (let outX = 0; outX < outWidth; outX++) {
        for (let o = 0; o < c.n; o++) {
          let sum = c.bias[o] ?? 0;
          for (let tapY = 0; tapY < c.filter[0]; tapY++) {
            const y = outY * c.strides[0] + tapY - c.pad[0];
            for (let tapX = 0; tapX < c.filter[1]; tapX++) {
              const left = outX * c.strides[1] + tapX - c.pad[2];
              if (y < 0 || y >= c.height || left < 0 || left >= c.width) continue;
              const pixel = ((b * c.height + y) * c.width + left) * c.channels;
              const tap = (tapY * c.filter[1] + tapX) * c.channels;
              const [first, last] = depthwise ? [o, o] : [0, c.channels - 1];
              for (let i = first; i <= last; i++) {
                const weight = depthwise ? weights[tap + i] : weights[(tap + i) * c.n + o];
                sum += (x[pixel + i] as number) * (weight as number);
              }
            }
          }
          out.push(Math.min(Math.max(sum, c.clamp[0]), c.clamp[1]));
        }
      }
    }
  }
  return out;
}

function expectClose(results: readonly Float32Array[], expected: readonly number[]): void {
  for (const result of results) {
    const far = expected.findIndex((value, i) => !(Math.abs(value - (result[i] ?? NaN)) < 1e-5));
    expect(far, `${result[far]} instead of ${expected[far]}`).toBe(-1);
    expect(result).toHaveLength(expected.length);
  }
}

test('a matrix product is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const [m, k, n] = [between(1, 60), between(1, 40), between(1, 40)];
    const matrix = { height: 1, width: m, channels: k, n, clamp: one(clamps) };
    const bias = values(one([0, n]));
    const c: Case = {
      ...matrix,
      batch: 1,
      filter: [1, 1],
      strides: [1, 1],
      pad: [0, 0, 0, 0],
      bias,
    };
    const [a, b] = [values(m * k), values(k * n)];
    const panels = Math.ceil(n / 8) * 8 * k;
    const [packed] = guarded.run({ b, out: panels }, ({ b, out }) =>
      kernels.packPanels(b, k, n, out),
    ) as [Float32Array];
    const buffers = { a, packed, bias, edge: 16, out: m * n };
    const results = guarded.run(buffers, (at) =>
      kernels.multiply(
        at.a,
        m,
        k,
        at.packed,
        n,
        bias.length && at.bias,
        ...c.clamp,
        at.out,
        at.edge,
      ),
    );
    expectClose(results, reference(c, a, b, false));
  }
});

test('rows that take more than a block are all computed', () => {
  const [m, k, n] = [150, 700, 8];
  const [a, b] = [values(m * k), values(k * n)];
  const results = guarded.run({ a, b, edge: 16, out: m * n }, (at) =>
    kernels.multiply(at.a, m, k, at.b, n, 0, -Infinity, Infinity, at.out, at.edge),
  );
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += (a[row * k + i] as number) * (b[i * n + column] as number);
      expect(results[0]?.[row * n + column]).toBeCloseTo(sum, 3);
    }
  }
});

function randomConvolution(): Omit<Case, 'n' | 'bias'> {
  const filter = [between(1, 5), between(1, 5)] as const;
  const pads = [0, 0, 0, 1, 2, 4];
  return {
    batch: between(1, 3),
    height: between(filter[0], 13),
    width: between(filter[1], 13),
    channels: between(1, 9),
    filter,
    strides: [between(1, 3), between(1, 3)],
    pad: [one(pads), one(pads), one(pads), one(pads)],
    clamp: one(clamps),
  };
}

function runConvolution(c: Case, x: Float32Array, packed: Float32Array, isInt8: boolean) {
  const { batch, height, width, channels, filter } = c;
  const [outHeight, outWidth] = outSize(c);
  const patchCount = between(1, 40);
  const buffers = {
    x,
    packed,
    bias: c.bias,
    patches: patchCount * filter[0] * filter[1] * channels,
    work: isInt8 ? INT8_WORK_BYTES / 4 : 16,
    out: batch * outHeight * outWidth * c.n,
  };
  return guarded.run(buffers, (at) =>
    kernels.convolve(
      at.x,
      batch,
      height,
      width,
      channels,
      ...filter,
      ...c.strides,
      c.pad[0],
      c.pad[2],
      outHeight,
      outWidth,
      at.packed,
      c.n,
      c.bias.length && at.bias,
      ...c.clamp,
      at.out,
      at.patches,
      patchCount,
      at.work,
      isInt8,
    ),
  );
}

test('a convolution is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const n = between(1, 20);
    const c: Case = { ...randomConvolution(), n, bias: values(one([0, n])) };
    const { batch, height, width, channels, filter } = c;
    const k = filter[0] * filter[1] * channels;
    const [x, weights] = [values(batch * height * width * channels), values(k * n)];
    const [packed] = guarded.run({ weights, out: Math.ceil(n / 8) * 8 * k }, (at) =>
      kernels.packPanels(at.weights, k, n, at.out),
    ) as [Float32Array];
    expectClose(runConvolution(c, x, packed, false), reference(c, x, weights, false));
  }
});

test('a depthwise convolution is that of plain loops, and touches nothing else', () => {
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    const random = randomConvolution();
    const filter = [random.filter[0], one([3, 5])] as const;
    const n = random.channels;
    const c: Case = {
      ...random,
      width: between(filter[1], 17),
      filter,
      strides: [random.strides[0], between(1, 2)],
      n,
      bias: values(one([0, n])),
    };
    const { batch, height, width, channels } = c;
    const [outHeight, outWidth] = outSize(c);
    const x = values(batch * height * width * channels);
    const weights = values(filter[0] * filter[1] * channels);
    const work = one([2000, 6000, 30_000]);
    const out = batch * outHeight * outWidth * n;
    let isDone = true;
    const results = guarded.run({ x, weights, bias: c.bias, work, out }, (at) => {
      isDone = kernels.convolveDepthwise(
        at.x,
        batch,
        height,
        width,
        channels,
        at.weights,
        ...filter,
        ...c.strides,
        c.pad[0],
        c.pad[2],
        outHeight,
        outWidth,
        c.bias.length && at.bias,
        ...c.clamp,
        at.out,
        at.work,
        work * 4,
      );
    });
    if (isDone) expectClose(results, reference(c, x, weights, true));
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
      kernels.meanOfPixels(at.x, batch, pixels, channels, at.out),
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
    const results = guarded.run({ a, b, out: count }, (at) =>
      kernels.add(at.a, at.b, count, at.out),
    );
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
      kernels.multiplyChannels(at.x, at.factors, batch, pixels, channels, at.out),
    );
    const expected = Array.from(x, (value, at) => {
      const picture = Math.floor(at / (pixels * channels));
      return value * (factors[picture * channels + (at % channels)] as number);
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
    guarded.run({ x, out: x.length }, (at) => kernels[name](at.x, x.length, at.out));
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
    steps: new Float32Array(bytes.buffer),
    offset: min / scale,
    scales: factors.map((factor) => factor * scale),
    expected: valuesOf({ ...weight, scale, min, factors } as StoredWeight) as Float32Array,
  };
}

/** A ten-thousandth of a step of the largest scale apart at most. */
function expectSteps(results: Float32Array[], expected: Float32Array, scales: Float32Array): void {
  const most = Math.max(...scales.map(Math.abs)) / 10_000;
  for (const result of results)
    for (const [i, value] of result.entries())
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(most);
}

test('weights of 8 bits are what JavaScript makes of them, and nothing else is touched', () => {
  for (let i = 0; i < 60; i++) {
    const channels = between(1, 21);
    const count = channels * 4 * between(1, 9);
    const { steps, offset, scales, expected } = quantized([count], channels);
    const results = guarded.run({ steps, scales, out: count }, (at) =>
      kernels.dequantize(at.steps, count, offset, at.scales, channels, at.out),
    );
    expectSteps(results, expected, scales);
  }
});

test('weights of 8 bits are packed as they would be after it', () => {
  for (let i = 0; i < 60; i++) {
    const n = one([between(1, 7), 8, between(9, 30)]);
    const k = 4 * between(1, 9);
    const { steps, offset, scales, expected: b } = quantized([k, n], one([1, n]));
    const length = Math.ceil(n / 8) * 8 * k;
    const [packed] = guarded.run({ b, out: length }, (at) =>
      kernels.packPanels(at.b, k, n, at.out),
    ) as [Float32Array];
    const results = guarded.run({ steps, scales, out: length }, (at) =>
      kernels.dequantizePanels(at.steps, k, n, offset, at.scales, scales.length, at.out),
    );
    expectSteps(results, packed, scales);
  }
});

test("the step in the middle of the exporter's range is exactly zero", () => {
  const steps = new Float32Array(Uint8Array.from([128, 128, 128, 128]).buffer);
  const offset = -128 / 127 / (1 / 127);
  const results = guarded.run({ steps, scales: Float32Array.of(0.37), out: 4 }, (at) =>
    kernels.dequantize(at.steps, 4, offset, at.scales, 1, at.out),
  );
  for (const result of results) expect([...result]).toEqual([0, 0, 0, 0]);
});

interface Int8Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly a: Float32Array;
  /** `[k, n]`, of which 128 stands for 0. */
  readonly steps: Uint8Array<ArrayBuffer>;
  /** `n`, or one for all. */
  readonly scales: Float32Array;
  readonly bias: Float32Array;
  readonly clamp: readonly [low: number, high: number];
}

/** One output at a time, each row of `a` quantized to 7 bits. */
function int8Reference({ m, k, n, a, steps, scales, bias, clamp }: Int8Case): number[] {
  return Array.from({ length: m }, (_, row) => {
    const values = a.subarray(row * k, (row + 1) * k);
    const least = Math.min(...values);
    const range = Math.fround(Math.max(...values) - least);
    const inverse = range === 0 ? 0 : Math.fround(127 / range);
    const q = Array.from(values, (value) =>
      Math.trunc(Math.fround(Math.fround(value - least) * inverse + 0.5)),
    );
    return Array.from({ length: n }, (_, column) => {
      let [sum, columnSum] = [0, 0];
      for (let i = 0; i < k; i++) {
        const weight = (steps[i * n + column] as number) - 128;
        sum += (q[i] as number) * weight;
        columnSum += weight;
      }
      const scale = scales[scales.length === 1 ? 0 : column] as number;
      const value = ((range / 127) * sum + least * columnSum) * scale + (bias[column] ?? 0);
      return Math.min(Math.max(value, clamp[0]), clamp[1]);
    });
  }).flat();
}

function packInt8({ k, n, steps, scales }: Int8Case): Float32Array {
  const padded = new Uint8Array(Math.ceil(steps.length / 4) * 4);
  // At the end, so that reading beyond them is noticed.
  padded.set(steps, padded.length - steps.length);
  const panels = (Math.ceil(n / 8) * (64 + Math.ceil(k / 16) * 128)) / 4;
  const [packed] = guarded.run(
    { steps: new Float32Array(padded.buffer), scales, out: panels },
    (at) =>
      kernels.packInt8Panels(
        at.steps + padded.length - steps.length,
        k,
        n,
        at.scales,
        scales.length,
        at.out,
      ),
  ) as [Float32Array];
  return packed;
}

function runInt8(product: Int8Case): Float32Array[] {
  const { m, k, n, a, bias, clamp } = product;
  const packed = packInt8(product);
  return guarded.run({ a, packed, bias, work: INT8_WORK_BYTES / 4, out: m * n }, (at) =>
    kernels.multiplyInt8(
      at.a,
      m,
      k,
      at.packed,
      n,
      bias.length && at.bias,
      ...clamp,
      at.out,
      at.work,
    ),
  );
}

test('a product of 8 bits is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const [m, k, n] = [between(1, 40), one([between(1, 20), between(1, 70)]), between(1, 30)];
    const product: Int8Case = {
      m,
      k,
      n,
      a: values(m * k),
      steps: Uint8Array.from({ length: k * n }, () => between(1, 255)),
      scales: values(one([1, n])).map((scale) => scale / 100),
      bias: values(one([0, n])),
      clamp: one(clamps),
    };
    expectClose(runInt8(product), int8Reference(product));
  }
});

test('a convolution in 8 bits is the product of its patches, and touches nothing else', () => {
  for (let i = 0; i < 40; i++) {
    const n = between(1, 20);
    const c: Case = { ...randomConvolution(), n, bias: values(one([0, n])) };
    const { batch, height, width, channels, filter } = c;
    const k = filter[0] * filter[1] * channels;
    const x = values(batch * height * width * channels);
    // A filter for each value under it takes the patches apart.
    const each = Float32Array.from({ length: k * k }, (_, at) => Number(at % (k + 1) === 0));
    const whole: Case = { ...c, n: k, bias: new Float32Array(), clamp: clamps[0] };
    const a = Float32Array.from(reference(whole, x, each, false));
    const product: Int8Case = {
      m: a.length / k,
      k,
      n,
      a,
      steps: Uint8Array.from({ length: k * n }, () => between(1, 255)),
      scales: values(one([1, n])).map((scale) => scale / 100),
      bias: c.bias,
      clamp: c.clamp,
    };
    expectClose(runConvolution(c, x, packInt8(product), true), int8Reference(product));
  }
});

test('a product of 8 bits has room for the most steps that it takes', () => {
  const [m, k, n] = [7, MAX_INT8_STEPS, 3];
  const a = values(m * k);
  const steps = Uint8Array.from({ length: k * n }, () => between(1, 255));
  const rest = { scales: Float32Array.of(1e-5), bias: values(n), clamp: clamps[0] };
  expectClose(
    runInt8({ m, k, n, a, steps, ...rest }),
    int8Reference({ m, k, n, a, steps, ...rest }),
  );
});

test('the largest sums of 8 bits are exact on every processor', () => {
  const [m, k, n] = [6, 256, 8];
  const a = Float32Array.from({ length: m * k }, (_, i) => (i % k === 0 ? 0 : 127));
  for (const step of [1, 255]) {
    const steps = new Uint8Array(k * n).fill(step);
    const rest = { scales: Float32Array.of(1), bias: new Float32Array(), clamp: clamps[0] };
    const sum = 127 * (step - 128) * (k - 1);
    for (const result of runInt8({ m, k, n, a, steps, ...rest })) {
      expect([...result]).toEqual(Array(m * n).fill(sum));
    }
  }
});

test('a processor without an instruction for dot products comes to the same bits', async () => {
  const answers = await Promise.all(
    ['--enable-avx-vnni', '--no-enable-avx-vnni'].map(productUnder),
  );
  expect(answers[0]).toHaveLength(64);
  expect(answers[1]).toBe(answers[0]);
});

/** @returns the SHA-256 of a product that a Node with this option computes */
async function productUnder(option: string): Promise<string> {
  const script = `
    import { createHash } from 'node:crypto';
    import { cnnKernelsForNode } from './cnn-kernels-node.ts';
    const [m, k, n] = [13, 100, 24];
    const memory = new WebAssembly.Memory({ initial: 16 });
    const kernels = cnnKernelsForNode()({ env: { memory } });
    const [steps, scales, packed, a, out, work] = [1, 2, 3, 4, 5, 6].map((at) => at << 17);
    new Uint8Array(memory.buffer, steps, k * n).forEach((_, i, all) => (all[i] = 1 + (i * 7919) % 255));
    new Float32Array(memory.buffer, scales, n).fill(0.01);
    new Float32Array(memory.buffer, a, m * k).forEach((_, i, all) => (all[i] = Math.sin(i)));
    kernels.packInt8Panels(steps, k, n, scales, n, packed);
    kernels.multiplyInt8(a, m, k, packed, n, 0, -Infinity, Infinity, out, work);
    const product = new Uint8Array(memory.buffer, out, 4 * m * n);
    if (product.every((byte) => byte === 0)) throw new Error('It computed nothing.');
    console.log(createHash('sha256').update(product).digest('hex'));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [option, '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname },
  );
  return stdout.trim();
}

test('a row of one value has no range, and is exact', () => {
  const [m, k, n] = [2, 40, 3];
  const steps = Uint8Array.from({ length: k * n }, () => between(1, 255));
  const a = new Float32Array(m * k).fill(0.37);
  const rest = { scales: values(n), bias: values(n), clamp: clamps[0] };
  const expected = int8Reference({ m, k, n, a, steps, ...rest });
  for (const result of runInt8({ m, k, n, a, steps, ...rest })) {
    for (const [i, value] of result.entries()) expect(value).toBeCloseTo(expected[i] as number, 3);
  }
});
