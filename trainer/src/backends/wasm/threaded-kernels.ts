import {
  type CnnKernels,
  codeRowBytes,
  type KernelResult,
  type Product,
  type WasmHeap,
  WORK_BYTES,
} from 'shared/inference/kernels/cnn-kernels';
import type { KernelArguments } from 'shared/inference/kernels/kernel-arguments';
import { KernelThreads } from './kernel-threads.ts';

/** A thread takes about 60 µs to wake, in which a core does as many (measured on 2 cores). */
const MIN_PRODUCTS = 2_000_000;
/** Fewer are not made of whole tiles: see matrix-product.ts. */
const MIN_ROWS = 24;

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
 * convolution's tiles.
 *
 * @param heap of tfjs-wasm's module with threads
 * @param count threads, including the one that calls the kernels
 * @returns the kernels for that module
 * @throws Error of a thread that does not start
 */
export async function startThreadedKernels(heap: WasmHeap, count: number): Promise<CnnKernels> {
  const threads = await KernelThreads.start(heap, count);
  return {
    ...threads.kernels,

    multiply: (values) => shareRows(threads, 'multiply', values),

    multiplyInt8Weights: (values) => shareRows(threads, 'multiplyInt8Weights', values),

    multiplyInt8: (values) => shareRows(threads, 'multiplyInt8', values),

    multiplyCodes: (values) => shareRows(threads, 'multiplyCodes', values, 1),

    convolveCodes(values) {
      const { rows, scales, batch, depth, channels, outHeight, outWidth, out, workBytes } = values;
      const pixels = values.height * values.width;
      const images = split(threads.count, batch, 1, batch * pixels * depth * channels);
      const shares = images.map(({ first, count }, thread) => ({
        ...values,
        rows: rows + first * pixels * codeRowBytes(values),
        scales: scales + first * pixels * 8,
        batch: count,
        out: out + first * outHeight * outWidth * channels,
        work: threads.scratchOf(thread, workBytes),
      }));
      return threads.run('convolveCodes', shares);
    },

    convolve(values) {
      const { filterHeight, filterWidth, channels, outHeight, outWidth, n, patchCount } = values;
      const k = filterHeight * filterWidth * channels;
      const products = outHeight * outWidth * k * n;
      const size = { inChannels: channels, outChannels: n, products };
      return shareImages(threads, 'convolve', values, size, (thread) => {
        const work = threads.scratchOf(thread, WORK_BYTES + patchCount * k * 4);
        return { work, patches: work + WORK_BYTES };
      });
    },

    convolveDepthwise(values) {
      const { filterHeight, filterWidth, channels, outHeight, outWidth, workBytes } = values;
      const products = outHeight * outWidth * channels * filterHeight * filterWidth;
      const size = { inChannels: channels, outChannels: channels, products };
      return shareImages(threads, 'convolveDepthwise', values, size, (thread) => ({
        work: threads.scratchOf(thread, workBytes),
      }));
    },

    convolveExpanded(values) {
      const { height, width, inChannels, channels, workBytes } = values;
      const products = height * width * inChannels * channels;
      const size = { inChannels, outChannels: channels, products };
      return shareImages(threads, 'convolveExpanded', values, size, (thread) => ({
        work: threads.scratchOf(thread, workBytes),
      }));
    },
  };
}

/** @param bytes of a value of the left factor */
function shareRows<K extends Product | 'multiplyCodes'>(
  threads: KernelThreads,
  name: K,
  values: KernelArguments<K> & KernelArguments<Product>,
  bytes = 4,
): KernelResult<K> {
  const { a, m, k, n, out } = values;
  const parts = split(threads.count, m, MIN_ROWS, m * k * n);
  const shares = parts.map(({ first, count }, thread) => ({
    ...values,
    a: a + first * k * bytes,
    m: count,
    out: out + first * n * 4,
    work: threads.scratchOf(thread, WORK_BYTES),
  }));
  return threads.run(name, shares);
}

/** @param memoryOf the arguments that say where a thread works */
function shareImages<K extends Convolution>(
  threads: KernelThreads,
  name: K,
  values: KernelArguments<K> & ConvolutionArguments,
  { inChannels, outChannels, products }: ConvolutionSize,
  memoryOf: (thread: number) => Partial<KernelArguments<K>>,
): KernelResult<K> {
  const { x, batch, height, width, outHeight, outWidth, out } = values;
  const parts = split(threads.count, batch, 1, batch * products);
  const shares = parts.map(({ first, count }, thread) => ({
    ...values,
    x: x + first * height * width * inChannels * 4,
    batch: count,
    out: out + first * outHeight * outWidth * outChannels * 4,
    ...memoryOf(thread),
  }));
  return threads.run(name, shares);
}

/**
 * Parts of a call's rows or images, one a thread.
 *
 * @param least of them that a part may have
 */
function split(
  threads: number,
  count: number,
  least: number,
  products: number,
): { readonly first: number; readonly count: number }[] {
  const units = Math.floor(count / least);
  const most = Math.min(threads, units, Math.floor(products / MIN_PRODUCTS));
  const length = Math.max(1, most);
  const begin = (thread: number) =>
    thread === length ? count : Math.floor((thread * units) / length) * least;
  return Array.from({ length }, (_, thread) => {
    const first = begin(thread);
    return { first, count: begin(thread + 1) - first };
  });
}
