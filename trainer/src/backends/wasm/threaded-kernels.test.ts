import {
  type CnnKernels,
  kernelsInHeap,
  products,
  type WasmHeap,
  WORK_BYTES,
} from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import { beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../config/random.ts';
import { startThreadedKernels } from './threaded-kernels.ts';

/** TypeScript has WebAssembly among a browser's types only. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    initial: number;
    maximum: number;
    shared: true;
  }) => { readonly buffer: SharedArrayBuffer };
};

const THREADS = 3;
const wasmMemory = new WebAssembly.Memory({ initial: 1024, maximum: 1024, shared: true });
const floats = new Float32Array(wasmMemory.buffer);
const random = createRandom(1);
let end = 0;

/** @returns an address */
function malloc(bytes: number): number {
  const at = Math.ceil(end / 16) * 16;
  end = at + bytes;
  return at;
}

function values(length: number): number {
  const at = malloc(length * 4);
  for (let i = 0; i < length; i++) floats[at / 4 + i] = 2 * random.float() - 1;
  return at;
}

/** What the threads have to work in. */
let scratch: Float32Array = new Float32Array();
const heap: WasmHeap = {
  wasmMemory,
  HEAPU8: new Uint8Array(wasmMemory.buffer),
  _malloc: (bytes) => {
    const at = malloc(bytes);
    scratch = floats.subarray(at / 4, (at + bytes) / 4);
    return at;
  },
  _free: () => {},
};

let one: CnnKernels;
let many: CnnKernels;
beforeAll(async () => {
  one = kernelsInHeap(heap, cnnKernelsForNode('cnn-kernels-shared.wasm'));
  many = await startThreadedKernels(heap, THREADS);
});

/** What one thread makes of a call, what several do, and how many of those had a share. */
function compare(length: number, call: (kernels: CnnKernels, out: number) => unknown) {
  scratch.fill(0);
  const [alone, together] = [one, many].map((kernels) => {
    const out = malloc(length * 4);
    call(kernels, out);
    return floats.slice(out / 4, out / 4 + length);
  }) as [Float32Array, Float32Array];
  const size = scratch.length / THREADS;
  const working = Array.from({ length: THREADS }, (_, thread) => thread).filter((thread) =>
    scratch.subarray(thread * size, (thread + 1) * size).some((value) => value !== 0),
  );
  return { alone, together, threads: working.length };
}

/** A convolution of square images to ones of the same size. */
function squares(batch: number, side: number, filter: number) {
  const pad = (filter - 1) / 2;
  return {
    batch,
    height: side,
    width: side,
    filterHeight: filter,
    filterWidth: filter,
    strideY: 1,
    strideX: 1,
    padTop: pad,
    padLeft: pad,
    outHeight: side,
    outWidth: side,
    low: 0,
    high: 6,
  };
}

test.each([
  { m: 401, k: 123, n: 165, threads: 3 },
  { m: 73, k: 1280, n: 45, threads: 2 },
  { m: 53, k: 511, n: 1001, threads: 2 },
  { m: 47, k: 1280, n: 1001, threads: 1 },
  { m: 401, k: 9, n: 85, threads: 1 },
])('a product of $m rows is that of one thread, on $threads', ({ m, k, n, threads }) => {
  const [a, panels, bias] = [values(m * k), values(Math.ceil(n / 8) * 8 * k), values(n)];
  const work = malloc(WORK_BYTES);
  for (const name of products) {
    const found = compare(m * n, (kernels, out) =>
      kernels[name]({ a, m, k, panels, n, bias, low: -1, high: 6, out, work }),
    );
    expect(found.together).toEqual(found.alone);
    expect(new Set(found.alone).size).toBeGreaterThan(1);
    expect(found.threads).toBe(threads);
  }
});

test.each([
  { batch: 7, threads: 3, product: 'multiply' },
  { batch: 7, threads: 3, product: 'multiplyInt8' },
  { batch: 2, threads: 2, product: 'multiply' },
  { batch: 1, threads: 1, product: 'multiply' },
] as const)('a convolution of $batch images is that of one thread, on $threads', (example) => {
  const { batch, threads, product } = example;
  const [height, width, channels, n, patchCount] = [29, 38, 9, 93, 40];
  const [outHeight, outWidth] = [15, 38];
  const k = 9 * channels;
  const [x, panels] = [values(batch * height * width * channels), values(96 * k)];
  const [bias, patches, work] = [values(n), malloc(patchCount * k * 4), malloc(WORK_BYTES)];
  const found = compare(batch * outHeight * outWidth * n, (kernels, out) =>
    kernels.convolve({
      x,
      batch,
      height,
      width,
      channels,
      filterHeight: 3,
      filterWidth: 3,
      strideY: 2,
      strideX: 1,
      padTop: 1,
      padLeft: 1,
      outHeight,
      outWidth,
      panels,
      n,
      bias,
      low: 0,
      high: Infinity,
      out,
      patches,
      patchCount,
      work,
      product: products.indexOf(product),
    }),
  );
  // Pixels that are left over from the tiles are others.
  const far = found.together.findIndex(
    (value, i) => !(Math.abs(value - (found.alone[i] as number)) < 1e-5),
  );
  expect(far).toBe(-1);
  expect(found.threads).toBe(threads);
});

const batches = [
  { batch: 7, threads: 3 },
  { batch: 2, threads: 2 },
  { batch: 1, threads: 1 },
];

test.each(batches)(
  'a depthwise one of $batch images is that of one thread, on $threads',
  ({ batch, threads }) => {
    const [side, channels, workBytes] = [47, 50, 64 * 1024];
    const x = values(batch * side * side * channels);
    const [filter, bias, work] = [values(25 * channels), values(channels), malloc(workBytes)];
    const convolution = { ...squares(batch, side, 5), x, channels, filter, bias, work };
    const call = (kernels: CnnKernels, out: number, workBytes: number) =>
      kernels.convolveDepthwise({ ...convolution, out, workBytes });
    const found = compare(batch * side * side * channels, (kernels, out) => {
      expect(call(kernels, out, workBytes)).toBeTruthy();
      expect(call(kernels, out, 64)).toBeFalsy();
    });
    expect(found.together).toEqual(found.alone);
    expect(found.threads).toBe(threads);
  },
);

test.each(batches)(
  'an expanded one of $batch images is that of one thread, on $threads',
  ({ batch, threads }) => {
    const [side, inChannels, channels, workBytes] = [47, 20, 48, 64 * 1024];
    const [x, panels] = [values(batch * side * side * inChannels), values(inChannels * channels)];
    const [expansionBias, bias, filter] = [
      values(channels),
      values(channels),
      values(9 * channels),
    ];
    const expansion = { inChannels, panels, isInt8: 0, expansionBias, expansionLow: 0 };
    const depthwise = { ...squares(batch, side, 3), channels, filter, bias };
    const work = malloc(workBytes);
    const found = compare(batch * side * side * channels, (kernels, out) =>
      kernels.convolveExpanded({
        ...depthwise,
        ...expansion,
        expansionHigh: 6,
        x,
        out,
        work,
        workBytes,
      }),
    );
    expect(found.together).toEqual(found.alone);
    expect(new Set(found.alone).size).toBeGreaterThan(1);
    expect(found.threads).toBe(threads);
  },
);

test.each(batches)(
  'one of codes of $batch images is that of one thread, on $threads',
  ({ batch, threads }) => {
    const [side, depth, channels, n, workBytes] = [47, 32, 48, 24, 64 * 1024];
    const pixels = batch * side * side;
    const size = { filterHeight: 3, filterWidth: 3, channels };
    const [codes, factor] = [malloc(channels * depth), malloc(4)];
    heap.HEAPU8.subarray(codes, codes + channels * depth).forEach((_, i, all) => {
      all[i] = 1 + ((i * 7919) % 255);
    });
    floats[factor / 4] = 0.01;
    const pack = (k: number, columns: number): number => {
      const to = malloc(one.int8PanelBytes({ k, n: columns }));
      one.packInt8Panels({ codes, k, n: columns, scales: factor, channels: 1, to });
      return to;
    };
    const [panels, projection] = [pack(depth, channels), pack(channels, n)];
    const taps = malloc(one.tapBytes(size));
    one.packTaps({ ...size, filter: values(9 * channels), to: taps });
    const parts = 2;
    const held = (pixels + 5) * parts;
    const [rows, scales] = [malloc(held * depth), malloc(held * 8)];
    const x = values(pixels * parts * depth);
    one.quantizeRows({ a: x, rows: pixels * parts, k: depth, to: rows, scales });
    const [expansionBias, bias] = [values(channels), values(channels)];
    const [middle, work] = [malloc((pixels + 5) * channels), malloc(WORK_BYTES)];
    const found = compare(pixels * n, (kernels, out) => {
      const ranges = { expansionBias, expansionHigh: 6, bias, high: 6 };
      const left = { rows, scales, depth, parts };
      const all = { ...squares(batch, side, 3), ...size, ...ranges, ...left, panels };
      expect(kernels.convolveCodes({ ...all, taps, out: middle, work, workBytes })).toBeTruthy();
      const product = { a: middle, m: pixels, k: channels, panels: projection, n, step: 6 / 127 };
      kernels.multiplyCodes({ ...product, bias: 0, low: -Infinity, high: Infinity, out, work });
    });
    expect(found.together).toEqual(found.alone);
    expect(new Set(found.alone).size).toBeGreaterThan(1);
    expect(found.threads).toBe(threads);
  },
);

test('a kernel that fails on another thread throws, and the next one computes', () => {
  const [m, k, n] = [401, 123, 165];
  const [a, panels, work] = [values(m * k), values(168 * k), malloc(WORK_BYTES)];
  const beyond = wasmMemory.buffer.byteLength - (m * n * 4) / 2;
  const call = (kernels: CnnKernels, out: number) =>
    kernels.multiply({ a, m, k, panels, n, bias: 0, low: -1, high: 6, out, work });
  expect(() => call(many, beyond)).toThrow('The kernel multiply failed on one of its threads.');
  const { alone, together } = compare(m * n, call);
  expect(together).toEqual(alone);
});
