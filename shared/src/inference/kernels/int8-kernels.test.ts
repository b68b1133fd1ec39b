import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Clamp, MAX_INT8_DEPTH } from './cnn-kernels.ts';
import {
  type Case,
  clamps,
  depthOf,
  expectClose,
  type Int8Matrix,
  inputLength,
  packInt8,
  randomConvolution,
  reference,
  runConvolution,
  runProduct,
  unclamped,
} from './kernel-cases.ts';
import { between, one, values } from './random-cases.ts';

interface Int8Case extends Int8Matrix {
  readonly m: number;
  readonly a: Float32Array;
  readonly bias: Float32Array;
  readonly clamp: Clamp;
}

/** One output at a time, each row of `a` quantized to 7 bits. */
function int8Reference({ m, k, n, a, codes, scales, bias, clamp }: Int8Case): number[] {
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
        const weight = (codes[i * n + column] as number) - 128;
        sum += (q[i] as number) * weight;
        columnSum += weight;
      }
      const scale = scales[scales.length === 1 ? 0 : column] as number;
      const value = ((range / 127) * sum + least * columnSum) * scale + (bias[column] ?? 0);
      return Math.min(Math.max(value, clamp.low), clamp.high);
    });
  }).flat();
}

function runInt8(product: Int8Case): Float32Array[] {
  return runProduct(product, product.a, packInt8(product), 'multiplyInt8');
}

test('a product of 8 bits is that of plain loops, at any size, and touches nothing else', () => {
  for (let i = 0; i < 80; i++) {
    const [m, k, n] = [between(1, 40), one([between(1, 20), between(1, 70)]), between(1, 30)];
    const product: Int8Case = {
      m,
      k,
      n,
      a: values(m * k),
      codes: Uint8Array.from({ length: k * n }, () => between(1, 255)),
      scales: values(one([1, n])).map((scale) => scale / 100),
      bias: values(one([0, n])),
      clamp: one(clamps),
    };
    expectClose(runInt8(product), int8Reference(product));
  }
});

test('a convolution in 8 bits is the product of its patches, and touches nothing else', () => {
  for (let i = 0; i < 40; i++) {
    const c = randomConvolution();
    const { n } = c;
    const k = depthOf(c);
    const x = values(inputLength(c));
    // A filter for each value under it takes the patches apart.
    const each = Float32Array.from({ length: k * k }, (_, at) => Number(at % (k + 1) === 0));
    const whole: Case = { ...c, n: k, bias: new Float32Array(), clamp: unclamped };
    const a = Float32Array.from(reference(whole, x, each, false));
    const product: Int8Case = {
      m: a.length / k,
      k,
      n,
      a,
      codes: Uint8Array.from({ length: k * n }, () => between(1, 255)),
      scales: values(one([1, n])).map((scale) => scale / 100),
      bias: c.bias,
      clamp: c.clamp,
    };
    expectClose(runConvolution(c, x, packInt8(product), 'multiplyInt8'), int8Reference(product));
  }
});

test('a product of 8 bits has room for the deepest that it takes', () => {
  const [m, k, n] = [7, MAX_INT8_DEPTH.multiplyInt8, 3];
  const a = values(m * k);
  const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
  const rest = { scales: Float32Array.of(1e-5), bias: values(n), clamp: unclamped };
  expectClose(
    runInt8({ m, k, n, a, codes, ...rest }),
    int8Reference({ m, k, n, a, codes, ...rest }),
  );
});

test.each([
  [3, NaN],
  [47, NaN],
  [48, Infinity],
])('a row of %i numbers with %d has no answer, the others have theirs', (k, strange) => {
  for (let place = 0; place < k; place++) {
    const a = values(3 * k);
    a[k + place] = strange;
    const codes = Uint8Array.from({ length: 9 * k }, () => between(1, 255));
    const rest = { scales: Float32Array.of(1), bias: new Float32Array(), clamp: unclamped };
    for (const result of runInt8({ m: 3, k, n: 9, a, codes, ...rest })) {
      expect([...result].map(Number.isFinite)).toEqual(
        Array.from({ length: 27 }, (_, i) => i < 9 || i >= 18),
      );
    }
  }
});

test('the largest sums of 8 bits are exact on every processor', () => {
  const [m, k, n] = [6, 256, 8];
  const a = Float32Array.from({ length: m * k }, (_, i) => (i % k === 0 ? 0 : 127));
  for (const code of [1, 255]) {
    const codes = new Uint8Array(k * n).fill(code);
    const rest = { scales: Float32Array.of(1), bias: new Float32Array(), clamp: unclamped };
    const sum = 127 * (code - 128) * (k - 1);
    for (const result of runInt8({ m, k, n, a, codes, ...rest })) {
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

/** @returns the SHA-256 of a product and of codes that a Node with this option computes */
async function productUnder(option: string): Promise<string> {
  const script = `
    import { createHash } from 'node:crypto';
    import { kernelsIn } from './cnn-kernels.ts';
    import { cnnKernelsForNode } from './cnn-kernels-node.ts';
    const [m, k, n] = [13, 100, 24];
    const memory = new WebAssembly.Memory({ initial: 32 });
    const kernels = kernelsIn(memory, cnnKernelsForNode());
    const [codes, scales, panels, a, out, work] = [1, 2, 3, 4, 5, 6].map((at) => at << 17);
    new Uint8Array(memory.buffer, codes, k * n).forEach((_, i, all) => (all[i] = 1 + (i * 7919) % 255));
    new Float32Array(memory.buffer, scales, n).fill(0.01);
    new Float32Array(memory.buffer, a, m * k).forEach((_, i, all) => (all[i] = Math.sin(i)));
    kernels.packInt8Panels({ codes, k, n, scales, channels: n, to: panels });
    kernels.multiplyInt8({ a, m, k, panels, n, bias: 0, low: -Infinity, high: Infinity, out, work });
    const product = new Uint8Array(memory.buffer, out, 4 * m * n).slice();
    const [rows, rowScales, taps, bias] = [7, 8, 9, 10].map((at) => at << 17);
    kernels.quantizeRows({ a, rows: 12, k, to: rows, scales: rowScales });
    const filter = { filterHeight: 3, filterWidth: 3 };
    kernels.packTaps({ ...filter, channels: 16, filter: a, to: taps });
    kernels.convolveCodes({
      ...filter, rows, scales: rowScales, batch: 1, height: 3, width: 4, depth: k, parts: 1, panels, expansionBias: bias,
      expansionHigh: 6, channels: 16, taps, strideY: 1, strideX: 1, padTop: 1, padLeft: 1, outHeight: 3,
      outWidth: 4, bias, high: 6, out, work, workBytes: 1 << 16,
    });
    const parts = [product, new Uint8Array(memory.buffer, out, 3 * 4 * 16)];
    if (parts.some((part) => part.every((byte) => byte === 0))) throw new Error('It computed nothing.');
    console.log(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [option, '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname },
  );
  return stdout.trim();
}

test('a row of one value has no range, and is exact', () => {
  const [m, k, n] = [2, 40, 3];
  const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
  const a = new Float32Array(m * k).fill(0.37);
  const rest = { scales: values(n), bias: values(n), clamp: unclamped };
  const expected = int8Reference({ m, k, n, a, codes, ...rest });
  for (const result of runInt8({ m, k, n, a, codes, ...rest })) {
    for (const [i, value] of result.entries()) expect(value).toBeCloseTo(expected[i] as number, 3);
  }
});
