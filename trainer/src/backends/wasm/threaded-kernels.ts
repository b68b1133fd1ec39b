import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { mallocLines, upToLine } from 'shared/inference/kernels/arena';
import {
  type CnnKernels,
  type InstantiateKernels,
  instantiateInHeap,
  type Product,
  type WasmHeap,
  WORK_BYTES,
} from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import type { KernelThread } from './kernel-thread.ts';
import { waitForChange } from './wait-for-change.ts';

/** A kernel's place and its arguments; `convolveExpanded` has the most. */
const CALL_LENGTH = 1 + 26;
/** A thread takes about 60 µs to wake, in which a core does as many (measured on 2 cores). */
const MIN_PRODUCTS = 2_000_000;
/** Fewer are not made of whole tiles: see matrix-product.ts. */
const MIN_ROWS = 24;

/** The part of a call's rows or images that a thread computes. */
interface Share {
  readonly thread: number;
  readonly first: number;
  readonly count: number;
}

/**
 * Starts threads that large calls of the kernels are shared out to: products by rows, convolutions
 * by images. The results are those of one thread, but for the rounding of what is left over from a
 * convolution's tiles. The threads live as long as the process, and do not keep it alive.
 *
 * @param heap of tfjs-wasm's module with threads
 * @param threads including the one that calls the kernels
 * @returns the kernels for that module
 * @throws Error of a thread that does not start
 */
export async function startThreadedKernels(
  heap: WasmHeap,
  threads: number,
): Promise<InstantiateKernels> {
  const instantiate = cnnKernelsForNode('cnn-kernels-shared.wasm');
  const kernels = instantiateInHeap(heap, instantiate);
  const places = Object.keys(kernels);
  const state = {
    running: new Int32Array(new SharedArrayBuffer(4)),
    failed: new Int32Array(new SharedArrayBuffer(4)),
  };
  const { running, failed } = state;
  const others = await Promise.all(
    Array.from({ length: threads - 1 }, () => startThread(heap.wasmMemory as object, state)),
  );

  /**
   * @returns what the kernel returns for the first share
   * @throws Error where a share fails, as with an address beyond the memory
   */
  function run<K extends keyof CnnKernels>(
    name: K,
    [own, ...shares]: Parameters<CnnKernels[K]>[],
  ): ReturnType<CnnKernels[K]> {
    Atomics.store(failed, 0, 0);
    Atomics.store(running, 0, shares.length);
    for (const [i, values] of shares.entries()) {
      const { calls, call } = others[i] as KernelThread;
      call.set([places.indexOf(name), ...values.map(Number)]);
      Atomics.add(calls, 0, 1);
      Atomics.notify(calls, 0);
    }
    const kernel = kernels[name] as (...values: unknown[]) => ReturnType<CnnKernels[K]>;
    let result: ReturnType<CnnKernels[K]>;
    try {
      result = kernel(...(own as Parameters<CnnKernels[K]>));
    } finally {
      for (let left = shares.length; left > 0; left = Atomics.load(running, 0)) {
        waitForChange(running, left);
      }
    }
    if (Atomics.load(failed, 0) === 1) {
      throw new Error(`The kernel ${name} failed on one of its threads.`);
    }
    return result;
  }

  /** @param least of the rows or images that a share may have */
  function split(count: number, least: number, products: number): Share[] {
    const parts = Math.floor(count / least);
    const most = Math.min(threads, parts, Math.floor(products / MIN_PRODUCTS));
    const length = Math.max(1, most);
    const begin = (thread: number) =>
      thread === length ? count : Math.floor((thread * parts) / length) * least;
    return Array.from({ length }, (_, thread) => {
      const first = begin(thread);
      return { thread, first, count: begin(thread + 1) - first };
    });
  }

  let scratch = { at: 0, block: 0 };
  let scratchBytes = 0;
  /** Memory for each thread to work in, where the caller has some for one. */
  function scratchOf(thread: number, bytes: number): number {
    if (bytes > scratchBytes) {
      heap._free(scratch.block);
      scratchBytes = upToLine(bytes);
      scratch = mallocLines(heap._malloc, scratchBytes * threads);
    }
    return scratch.at + thread * scratchBytes;
  }

  function shareProduct(
    name: Product,
    [a, m, k, panels, n, bias, low, high, out]: Parameters<CnnKernels['multiply']>,
  ): void {
    const shares = split(m, MIN_ROWS, m * k * n).map(
      ({ thread, first, count }): Parameters<CnnKernels['multiply']> => [
        a + first * k * 4,
        count,
        k,
        panels,
        n,
        bias,
        low,
        high,
        out + first * n * 4,
        scratchOf(thread, WORK_BYTES),
      ],
    );
    run(name, shares);
  }

  const threaded: CnnKernels = {
    ...kernels,

    multiply: (...values) => shareProduct('multiply', values),

    multiplyInt8Weights: (...values) => shareProduct('multiplyInt8Weights', values),

    multiplyInt8: (...values) => shareProduct('multiplyInt8', values),

    convolve(
      x,
      batch,
      height,
      width,
      channels,
      filterHeight,
      filterWidth,
      strideY,
      strideX,
      padTop,
      padLeft,
      outHeight,
      outWidth,
      panels,
      n,
      bias,
      low,
      high,
      out,
      _patches,
      patchCount,
      _work,
      product,
    ) {
      const k = filterHeight * filterWidth * channels;
      const outPixels = outHeight * outWidth;
      const shares = split(batch, 1, batch * outPixels * k * n).map(
        ({ thread, first, count }): Parameters<CnnKernels['convolve']> => {
          const work = scratchOf(thread, WORK_BYTES + patchCount * k * 4);
          return [
            x + first * height * width * channels * 4,
            count,
            height,
            width,
            channels,
            filterHeight,
            filterWidth,
            strideY,
            strideX,
            padTop,
            padLeft,
            outHeight,
            outWidth,
            panels,
            n,
            bias,
            low,
            high,
            out + first * outPixels * n * 4,
            work + WORK_BYTES,
            patchCount,
            work,
            product,
          ];
        },
      );
      run('convolve', shares);
    },

    convolveDepthwise(
      x,
      batch,
      height,
      width,
      channels,
      filter,
      filterHeight,
      filterWidth,
      strideY,
      strideX,
      padTop,
      padLeft,
      outHeight,
      outWidth,
      bias,
      low,
      high,
      out,
      _work,
      workBytes,
    ) {
      const outSize = outHeight * outWidth * channels;
      const shares = split(batch, 1, batch * outSize * filterHeight * filterWidth).map(
        ({ thread, first, count }): Parameters<CnnKernels['convolveDepthwise']> => [
          x + first * height * width * channels * 4,
          count,
          height,
          width,
          channels,
          filter,
          filterHeight,
          filterWidth,
          strideY,
          strideX,
          padTop,
          padLeft,
          outHeight,
          outWidth,
          bias,
          low,
          high,
          out + first * outSize * 4,
          scratchOf(thread, workBytes),
          workBytes,
        ],
      );
      return run('convolveDepthwise', shares);
    },

    convolveExpanded(
      x,
      batch,
      height,
      width,
      inChannels,
      panels,
      isInt8,
      expansionBias,
      expansionLow,
      expansionHigh,
      channels,
      filter,
      filterHeight,
      filterWidth,
      strideY,
      strideX,
      padTop,
      padLeft,
      outHeight,
      outWidth,
      bias,
      low,
      high,
      out,
      _work,
      workBytes,
    ) {
      const outSize = outHeight * outWidth * channels;
      const products = height * width * inChannels * channels;
      const shares = split(batch, 1, batch * products).map(
        ({ thread, first, count }): Parameters<CnnKernels['convolveExpanded']> => [
          x + first * height * width * inChannels * 4,
          count,
          height,
          width,
          inChannels,
          panels,
          isInt8,
          expansionBias,
          expansionLow,
          expansionHigh,
          channels,
          filter,
          filterHeight,
          filterWidth,
          strideY,
          strideX,
          padTop,
          padLeft,
          outHeight,
          outWidth,
          bias,
          low,
          high,
          out + first * outSize * 4,
          scratchOf(thread, workBytes),
          workBytes,
        ],
      );
      return run('convolveExpanded', shares);
    },
  };
  return () => threaded;
}

async function startThread(
  memory: object,
  state: Pick<KernelThread, 'running' | 'failed'>,
): Promise<KernelThread> {
  const calls = new Int32Array(new SharedArrayBuffer(4));
  const call = new Float64Array(new SharedArrayBuffer(CALL_LENGTH * 8));
  const thread: KernelThread = { memory, calls, call, ...state };
  const worker = new Worker(new URL('kernel-thread.ts', import.meta.url), { workerData: thread });
  // Before that it needs this thread's event loop, which a call would block.
  await once(worker, 'message');
  worker.unref();
  return thread;
}
