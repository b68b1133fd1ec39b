import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import type { CnnKernels, WasmHeap } from './cnn-kernels.ts';
import type { PackedMatrices } from './packed-matrices.ts';

/** tfjs has no operation like it. */
const DEQUANTIZE = 'Dequantize';

interface Dequantization extends StoredWeight {
  readonly isFactor: boolean;
}

/**
 * The values of a graph's constant, made in the backend's own memory where it has a kernel for them:
 * JavaScript takes several times as long, makes garbage of four bytes a weight, and then they are
 * copied.
 *
 * @param isFactor whether it is but the right factor of products and convolutions that our kernels
 *   cover; such a tensor exists as they want it, and has no values for others
 */
export function tensorOf(weight: StoredWeight, isFactor: boolean): tf.Tensor {
  if (weight.format !== 'uint8' || !tf.getKernel(DEQUANTIZE, tf.getBackend()))
    return tf.tensor(valuesOf(weight), weight.shape, weight.dtype);
  // The packing kernel knows a factor for each column, or one for all.
  const isPackable = weight.factors.length === 1 || weight.factors.length === weight.shape.at(-1);
  const dequantization: Dequantization = { ...weight, isFactor: isFactor && isPackable };
  return tf.engine().runKernel(DEQUANTIZE, {}, dequantization as unknown as tf.NamedAttrMap);
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
      const { bytes, shape, scale, min, factors, isFactor } = attrs as unknown as Dequantization;
      const out = isFactor ? matrices.makePacked(shape) : backend.makeOutput(shape, 'float32');
      const to = backend.getMemoryOffset(out.dataId);
      const scales = factors.map((factor) => scale * factor);
      const at = heap._malloc(scales.byteLength + bytes.length);
      const steps = at + scales.byteLength;
      heap.HEAPU8.set(new Uint8Array(scales.buffer), at);
      heap.HEAPU8.set(bytes, steps);
      const scaling = [min / scale, at, scales.length] as const;
      if (isFactor) {
        const n = shape.at(-1) as number;
        kernels.dequantizePanels(steps, bytes.length / n, n, ...scaling, to);
      } else kernels.dequantize(steps, bytes.length, ...scaling, to);
      heap._free(at);
      return out;
    },
  });
}
