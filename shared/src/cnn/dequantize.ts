import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import type { CnnKernels, WasmHeap } from './cnn-kernels.ts';

/** tfjs has no operation like it. */
const DEQUANTIZE = 'Dequantize';

/**
 * The values of a graph's constant, made in the backend's own memory where it has a kernel for them:
 * JavaScript takes several times as long, makes garbage of four bytes a weight, and then they are
 * copied.
 */
export function tensorOf(weight: StoredWeight): tf.Tensor {
  return weight.format === 'uint8' && tf.getKernel(DEQUANTIZE, tf.getBackend())
    ? tf.engine().runKernel(DEQUANTIZE, {}, { ...weight } as unknown as tf.NamedAttrMap)
    : tf.tensor(valuesOf(weight), weight.shape, weight.dtype);
}

/** Lets {@link tensorOf} use `cnn-kernels.wasm`. */
export function registerDequantize(
  backend: BackendWasm,
  heap: WasmHeap,
  kernels: CnnKernels,
): void {
  if (tf.getKernel(DEQUANTIZE, 'wasm')) tf.unregisterKernel(DEQUANTIZE, 'wasm');
  tf.registerKernel({
    kernelName: DEQUANTIZE,
    backendName: 'wasm',
    kernelFunc({ attrs }) {
      const { bytes, shape, scale, min, factors } = attrs as unknown as StoredWeight;
      const out = backend.makeOutput(shape, 'float32');
      const to = backend.getMemoryOffset(out.dataId);
      const at = heap._malloc(factors.byteLength + bytes.length);
      const steps = at + factors.byteLength;
      heap.HEAPU8.set(new Uint8Array(factors.buffer), at);
      heap.HEAPU8.set(bytes, steps);
      kernels.dequantize(steps, bytes.length, scale, min, at, factors.length, to);
      heap._free(at);
      return out;
    },
  });
}
