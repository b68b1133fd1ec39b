import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { mallocLines, upToLine } from 'shared/inference/kernels/arena';
import {
  type CnnKernels,
  type KernelResult,
  kernelsInHeap,
  type Product,
  type WasmHeap,
  WORK_BYTES,
} from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import {
  inOrder,
  type KernelArguments,
  type KernelName,
  kernelArguments,
} from 'shared/inference/kernels/kernel-arguments';
import { moduleUrl } from '../../files/module-url.ts';
import type { KernelThread } from './kernel-thread.ts';
import { waitForChange } from './wait-for-change.ts';

const kernelNames = Object.keys(kernelArguments);
/** A kernel's place and its arguments. */
const CALL_LENGTH = 1 + Math.max(...Object.values(kernelArguments).map(({ length }) => length));
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

type Convolution = 'convolve' | 'convolveDepthwise' | 'convolveExpanded';
/** What all convolutions have. */
type ConvolutionArguments = Pick<
  KernelArguments<Convolution>,
  'x' | 'batch' | 'height' | 'width' | 'outHeight' | 'outWidth' | 'out'
>;

interface ConvolutionSize {
  readonly inChannels: number;
  readonly outChannels: number;
  /** For one image. */
  readonly products: number;
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
export async function startThreadedKernels(heap: WasmHeap, threads: number): Promise<CnnKernels> {
  const kernels = kernelsInHeap(heap, cnnKernelsForNode('cnn-kernels-shared.wasm'));
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
  function run<K extends KernelName>(
    name: K,
    [own, ...shares]: KernelArguments<K>[],
  ): KernelResult<K> {
    Atomics.store(failed, 0, 0);
    Atomics.store(running, 0, shares.length);
    for (const [i, values] of shares.entries()) {
      const { calls, call } = others[i] as KernelThread;
      call.set([kernelNames.indexOf(name), ...inOrder(name, values)]);
      Atomics.add(calls, 0, 1);
      Atomics.notify(calls, 0);
    }
    let result: KernelResult<K>;
    try {
      result = kernels[name](own as KernelArguments<K>);
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

  function shareRows(name: Product, values: KernelArguments<Product>): undefined {
    const { a, m, k, n, out } = values;
    const shares = split(m, MIN_ROWS, m * k * n).map(({ thread, first, count }) => ({
      ...values,
      a: a + first * k * 4,
      m: count,
      out: out + first * n * 4,
      work: scratchOf(thread, WORK_BYTES),
    }));
    return run(name, shares);
  }

  /** @param memoryOf the arguments that say where a thread works */
  function shareImages<K extends Convolution>(
    name: K,
    values: KernelArguments<K> & ConvolutionArguments,
    { inChannels, outChannels, products }: ConvolutionSize,
    memoryOf: (thread: number) => Partial<KernelArguments<K>>,
  ): KernelResult<K> {
    const { x, batch, height, width, outHeight, outWidth, out } = values;
    const shares = split(batch, 1, batch * products).map(({ thread, first, count }) => ({
      ...values,
      x: x + first * height * width * inChannels * 4,
      batch: count,
      out: out + first * outHeight * outWidth * outChannels * 4,
      ...memoryOf(thread),
    }));
    return run(name, shares);
  }

  return {
    ...kernels,

    multiply: (values) => shareRows('multiply', values),

    multiplyInt8Weights: (values) => shareRows('multiplyInt8Weights', values),

    multiplyInt8: (values) => shareRows('multiplyInt8', values),

    convolve(values) {
      const { filterHeight, filterWidth, channels, outHeight, outWidth, n, patchCount } = values;
      const k = filterHeight * filterWidth * channels;
      const products = outHeight * outWidth * k * n;
      const size = { inChannels: channels, outChannels: n, products };
      return shareImages('convolve', values, size, (thread) => {
        const work = scratchOf(thread, WORK_BYTES + patchCount * k * 4);
        return { work, patches: work + WORK_BYTES };
      });
    },

    convolveDepthwise(values) {
      const { filterHeight, filterWidth, channels, outHeight, outWidth, workBytes } = values;
      const products = outHeight * outWidth * channels * filterHeight * filterWidth;
      const size = { inChannels: channels, outChannels: channels, products };
      return shareImages('convolveDepthwise', values, size, (thread) => ({
        work: scratchOf(thread, workBytes),
      }));
    },

    convolveExpanded(values) {
      const { height, width, inChannels, channels, workBytes } = values;
      const products = height * width * inChannels * channels;
      const size = { inChannels, outChannels: channels, products };
      return shareImages('convolveExpanded', values, size, (thread) => ({
        work: scratchOf(thread, workBytes),
      }));
    },
  };
}

async function startThread(
  memory: object,
  state: Pick<KernelThread, 'running' | 'failed'>,
): Promise<KernelThread> {
  const calls = new Int32Array(new SharedArrayBuffer(4));
  const call = new Float64Array(new SharedArrayBuffer(CALL_LENGTH * 8));
  const thread: KernelThread = { memory, calls, call, ...state };
  const worker = new Worker(moduleUrl('kernel-thread', import.meta), { workerData: thread });
  // Before that it needs this thread's event loop, which a call would block.
  await once(worker, 'message');
  worker.unref();
  return thread;
}
