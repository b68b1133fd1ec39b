import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import { type CnnKernels, MAX_INT8_DEPTH, type WasmHeap } from './cnn-kernels.ts';
import type { PackedMatrices } from './packed-matrices.ts';

/** tfjs has no operation like it. */
const DEQUANTIZE = 'Dequantize';

/**
 * What a constant is for: any kernel; or but the right factor of products and convolutions that our
 * kernels cover, of float32 or of integers. A factor exists as they want it, and has no values for
 * others.
 */
export type WeightUse = 'values' | 'factor' | 'int8 factor';

interface Dequantization extends StoredWeight {
  readonly use: WeightUse;
}

/** With a smaller inner dimension, quantizing the left factor takes what the product saves. */
const MIN_INT8_DEPTH = 40;

/**
 * The values of a graph's constant, made in the backend's own memory where it has a kernel for them:
 * JavaScript takes several times as long, makes garbage of four bytes a weight, and then they are
 * copied.
 *
 * @param use an int8 factor may become one of float32
 */
export function tensorOf(weight: StoredWeight, use: WeightUse): tf.Tensor {
  if (weight.format !== 'uint8' || !tf.getKernel(DEQUANTIZE, tf.getBackend()))
    return tf.tensor(valuesOf(weight), weight.shape, weight.dtype);
  const dequantization: Dequantization = { ...weight, use: feasible(weight, use) };
  return tf.engine().runKernel(DEQUANTIZE, {}, dequantization as unknown as tf.NamedAttrMap);
}

function feasible({ shape, scale, min, factors, bytes }: StoredWeight, use: WeightUse): WeightUse {
  const n = shape.at(-1) as number;
  // The packing kernels know a factor for each column, or one for all.
  if (use === 'values' || (factors.length !== 1 && factors.length !== n)) return 'values';
  const isSymmetric = Math.abs(min / scale + 128) < 1e-3;
  const depth = bytes.length / n;
  const isDeep = depth >= MIN_INT8_DEPTH && depth <= MAX_INT8_DEPTH;
  return use === 'int8 factor' && isSymmetric && isDeep ? use : 'factor';
}

/** Lets {@link tensorOf} use `cnn-kernels.wasm`. */
export function registerDequantize(
  backend: BackendWasm,
  heap: WasmHeap,
  matrices: PackedMatrices,
  kernels: CnnKernels,
): void {
  if (tf.getKernel(DEQUANTIZE, 'wasm')) tf.unregisterKernel(DEQUANTIZE, 'wasm');
  tf.registerKernel({
    kernelName: DEQUANTIZE,
    backendName: 'wasm',
    kernelFunc({ attrs }) {
      const { bytes, shape, scale, min, factors, use } = attrs as unknown as Dequantization;
      const scales = factors.map((factor) => scale * factor);
      const at = heap._malloc(scales.byteLength + bytes.length);
      const out = {
        values: () => backend.makeOutput(shape, 'float32'),
        factor: () => matrices.makePacked(shape, 'panels'),
        'int8 factor': () => matrices.makePacked(shape, 'int8 panels'),
      }[use]();
      const to = backend.getMemoryOffset(out.dataId);
      const codes = at + scales.byteLength;
      heap.HEAPU8.set(new Uint8Array(scales.buffer), at);
      heap.HEAPU8.set(bytes, codes);
      const offset = min / scale;
      const n = shape.at(-1) as number;
      const k = bytes.length / n;
      const scaling = [at, scales.length] as const;
      if (use === 'values') kernels.dequantize(codes, bytes.length, offset, ...scaling, to);
      else if (use === 'factor') kernels.dequantizePanels(codes, k, n, offset, ...scaling, to);
      else kernels.packInt8Panels(codes, k, n, ...scaling, to);
      heap._free(at);
      return out;
    },
  });
}
