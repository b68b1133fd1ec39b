import { expect, test } from 'vitest';
import { MAX_INT8_DEPTH } from './cnn-kernels.ts';
import {
  asConvolution,
  clamps,
  depthOf,
  expectClose,
  type Int8Matrix,
  inputLength,
  type MatrixCase,
  packInt8,
  randomConvolution,
  reference,
  runConvolution,
  runProduct,
  unclamped,
} from './kernel-cases.ts';
import { between, one, random, values } from './random-cases.ts';

/** Some, or most of them zeros, as after a ReLU. */
function sparseValues(length: number): Float32Array {
  const zeros = one([0, 0.3, 0.5, 0.8, 1]);
  return values(length).map((value) => (random() < zeros ? 0 : value));
}

function randomMatrix(): MatrixCase {
  // Of more than 256 values there are several parts, of more than 256 rows several blocks.
  const [m, k, n] = one([
    [between(1, 60), between(1, 40), between(1, 40)],
    [between(1, 20), between(1, 60), 8 * between(3, 16)],
    [between(1, 8), between(500, 800), one([32, 40, 80])],
    [between(250, 600), between(1, 9), one([32, 72])],
  ]);
  return { m, k, n, bias: values(one([0, n])), clamp: one(clamps) };
}

/** What the codes stand for. */
function widened({ n, codes, scales }: Omit<Int8Matrix, 'k'>): Float32Array {
  return Float32Array.from(
    codes,
    (code, i) => (code - 128) * (scales[scales.length === 1 ? 0 : i % n] as number),
  );
}

test('a product by weights of 8 bits is that of plain loops, and touches nothing else', () => {
  for (let i = 0; i < 160; i++) {
    const matrix = randomMatrix();
    const { m, k, n } = matrix;
    const a = sparseValues(m * k);
    const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
    const scales = values(one([1, n])).map((scale) => scale / 100);
    const packed = packInt8({ k, n, codes, scales });
    const weights = widened({ n, codes, scales });
    const expected = reference(asConvolution(matrix), a, weights, false);
    const results = runProduct(matrix, a, packed, 'multiplyInt8Weights');
    expectClose(results, expected, k < 100 ? 1e-5 : 1e-4);
  }
});

test.each([NaN, Infinity])('%d among zeros is not left out', (strange) => {
  const [m, k, n] = [9, 40, 32];
  const codes = Uint8Array.from({ length: k * n }, () => between(129, 255));
  const packed = packInt8({ k, n, codes, scales: Float32Array.of(1) });
  const a = new Float32Array(m * k);
  a[4 * k + 7] = strange;
  const matrix = { m, k, n, bias: values(n), clamp: unclamped };
  for (const result of runProduct(matrix, a, packed, 'multiplyInt8Weights')) {
    const finite = [...result].map(Number.isFinite);
    expect(finite).toEqual(Array.from({ length: m * n }, (_, i) => Math.floor(i / n) !== 4));
  }
});

test('a convolution by weights of 8 bits is that of plain loops', () => {
  for (let i = 0; i < 40; i++) {
    const c = randomConvolution(one([between(1, 20), 32]));
    const { n } = c;
    const k = depthOf(c);
    const x = sparseValues(inputLength(c));
    const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
    const scales = values(one([1, n])).map((scale) => scale / 100);
    const packed = packInt8({ k, n, codes, scales });
    const expected = reference(c, x, widened({ n, codes, scales }), false);
    expectClose(runConvolution(c, x, packed, 'multiplyInt8Weights'), expected);
  }
});

test('a product by weights of 8 bits has room for the deepest that it takes', () => {
  const [m, k, n] = [5, MAX_INT8_DEPTH.multiplyInt8Weights, 3];
  const a = values(m * k);
  const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
  const matrix = { m, k, n, bias: values(n), clamp: unclamped };
  const weights = { k, n, codes, scales: Float32Array.of(1e-5) };
  expectClose(
    runProduct(matrix, a, packInt8(weights), 'multiplyInt8Weights'),
    reference(asConvolution(matrix), a, widened(weights), false),
  );
});
