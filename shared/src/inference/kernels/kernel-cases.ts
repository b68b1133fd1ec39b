import { expect } from 'vitest';
import {
  type Clamp,
  clamps as clampsByName,
  kernelsIn,
  type Product,
  products,
  WORK_BYTES,
} from './cnn-kernels.ts';
import { cnnKernelsForNode } from './cnn-kernels-node.ts';
import { GuardedMemory } from './guarded-memory.ts';
import { between, one, values } from './random-cases.ts';

// Every case runs once for each buffer, with guards that show any access beyond it.
export const guarded = new GuardedMemory();
export const kernels = kernelsIn(guarded.memory, cnnKernelsForNode());

export const clamps = Object.values(clampsByName);
export const unclamped = clampsByName['linear'] as Clamp;

/** A convolution. */
export interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filter: readonly [height: number, width: number];
  readonly strides: readonly [vertical: number, horizontal: number];
  readonly pad: readonly [top: number, bottom: number, left: number, right: number];
  readonly n: number;
  readonly bias: Float32Array;
  readonly clamp: Clamp;
}

/** The kernels' arguments that say a convolution's shape, but for its channels. */
export function shapeArguments({ batch, height, width, filter, strides, pad }: Case) {
  return {
    batch,
    height,
    width,
    filterHeight: filter[0],
    filterWidth: filter[1],
    strideY: strides[0],
    strideX: strides[1],
    padTop: pad[0],
    padLeft: pad[2],
    outHeight: Math.floor((height + pad[0] + pad[1] - filter[0]) / strides[0]) + 1,
    outWidth: Math.floor((width + pad[2] + pad[3] - filter[1]) / strides[1]) + 1,
  };
}

/** In double precision, one output at a time. `weights` is `[height, width, channels, n or 1]`. */
export function reference(
  c: Case,
  x: Float32Array,
  weights: Float32Array,
  depthwise: boolean,
): number[] {
  const { outHeight, outWidth } = shapeArguments(c);
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
          out.push(Math.min(Math.max(sum, c.clamp.low), c.clamp.high));
        }
      }
    }
  }
  return out;
}

/** @param most that a result may be off; deep sums are rounded more often */
export function expectClose(
  results: readonly Float32Array[],
  expected: readonly number[],
  most = 1e-5,
): void {
  for (const result of results) {
    const far = expected.findIndex((value, i) => !(Math.abs(value - (result[i] ?? NaN)) < most));
    expect(far, `${result[far]} instead of ${expected[far]}`).toBe(-1);
    expect(result).toHaveLength(expected.length);
  }
}

/** A matrix product. */
export interface MatrixCase extends Pick<Case, 'n' | 'bias' | 'clamp'> {
  readonly m: number;
  readonly k: number;
}

export function asConvolution({ m, k, ...rest }: MatrixCase): Case {
  const shape = { batch: 1, height: m, width: 1, channels: k };
  return { ...rest, ...shape, filter: [1, 1], strides: [1, 1], pad: [0, 0, 0, 0] };
}

export function runProduct(
  { m, k, n, bias, clamp }: MatrixCase,
  a: Float32Array,
  panels: Float32Array,
  product: Product,
): Float32Array[] {
  const work = product === 'multiply' ? 32 : WORK_BYTES / 4;
  return guarded.run({ a, panels, bias, work, out: m * n }, (at) =>
    kernels[product]({ ...at, m, k, n, bias: bias.length && at.bias, ...clamp }),
  );
}

/** A `[k, n]` matrix, as `packPanels` leaves it. */
export function pack(matrix: Float32Array, k: number, n: number): Float32Array {
  const panels = Math.ceil(n / 8) * 8 * k;
  const [packed] = guarded.run({ from: matrix, out: panels }, ({ from, out }) =>
    kernels.packPanels({ from, k, n, to: out }),
  ) as [Float32Array];
  return packed;
}

export interface Int8Matrix {
  readonly k: number;
  readonly n: number;
  /** `[k, n]`, of which 128 stands for 0. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `n`, or one for all. */
  readonly scales: Float32Array;
}

export function packInt8({ k, n, codes, scales }: Int8Matrix): Float32Array {
  const padded = new Uint8Array(Math.ceil(codes.length / 4) * 4);
  // At the end, so that reading beyond them is noticed.
  padded.set(codes, padded.length - codes.length);
  const panels = (Math.ceil(n / 8) * (64 + Math.ceil(k / 16) * 128)) / 4;
  const [packed] = guarded.run(
    { codes: new Float32Array(padded.buffer), scales, out: panels },
    (at) =>
      kernels.packInt8Panels({
        codes: at.codes + padded.length - codes.length,
        k,
        n,
        scales: at.scales,
        channels: scales.length,
        to: at.out,
      }),
  ) as [Float32Array];
  return packed;
}

/** Rows of the filter as a matrix. */
export function depthOf({ filter, channels }: Case): number {
  return filter[0] * filter[1] * channels;
}

/** The input of a convolution has as many values. */
export function inputLength({ batch, height, width, channels }: Case): number {
  return batch * height * width * channels;
}

export function randomConvolution(n = between(1, 20)): Case {
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
    n,
    bias: values(one([0, n])),
  };
}

export function runConvolution(c: Case, x: Float32Array, panels: Float32Array, product: Product) {
  const { channels, n, bias } = c;
  const shape = shapeArguments(c);
  const patchCount = between(1, 40);
  const buffers = {
    x,
    panels,
    bias,
    patches: patchCount * shape.filterHeight * shape.filterWidth * channels,
    work: product === 'multiply' ? 64 : WORK_BYTES / 4,
    out: c.batch * shape.outHeight * shape.outWidth * n,
  };
  return guarded.run(buffers, (at) =>
    kernels.convolve({
      ...shape,
      ...c.clamp,
      ...at,
      channels,
      n,
      bias: bias.length && at.bias,
      patchCount,
      product: products.indexOf(product),
    }),
  );
}
