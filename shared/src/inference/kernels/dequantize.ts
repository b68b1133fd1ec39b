import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type StoredWeight, valuesOf } from '../fold-constants.ts';
import { type CnnKernels, MAX_INT8_DEPTH, type Product, type WasmHeap } from './cnn-kernels.ts';
import type { PackedMatrices } from './packed-matrices.ts';

/** tfjs has no operation like it. */
const DEQUANTIZE = 'Dequantize';

/**
 * What a constant is for: any kernel; or but the right factor of products and convolutions that our
 * kernels cover, of float32 or of integers, or of integers in an inverted residual. A factor exists as they want it, and has
 * no values for others.
 */
export type WeightUse = 'values' | 'factor' | 'int8 factor' | 'int8 residual';

interface Dequantization extends StoredWeight {
  readonly use: WeightUse;
}

/** With a smaller inner dimension, quantizing the left factor takes what the product saves, but in a residual. */
const MIN_INT8_DEPTH = 40;

/**
 * The values of a graph's constant, made in the backend's own memory where it has a kernel for them:
 * JavaScript takes several times as long, makes garbage of four bytes a weight, and then they are
 * copied.
 *
 * @param use a factor of integers may become one of float32
 */
export function tensorOf(weight: StoredWeight, use: WeightUse): tf.Tensor {
  if (weight.format !== 'uint8' || !tf.getKernel(DEQUANTIZE, tf.getBackend()))
    return tf.tensor(valuesOf(weight), weight.shape, weight.dtype);
  const dequantization: Dequantization = { ...weight, use };
  return tf.engine().runKernel(DEQUANTIZE, {}, dequantization as unknown as tf.NamedAttrMap);
}

/** How the values of a constant are made: for any kernel, or as the right factor of a product. */
function targetOf({ use, shape, scale, min, factors, bytes }: Dequantization): 'values' | Product {
  const n = shape.at(-1) as number;
  // The packing kernels know a factor for each column, or one for all.
  if (use === 'values' || (factors.length !== 1 && factors.length !== n)) return 'values';
  const product = use === 'factor' ? 'multiplyInt8Weights' : 'multiplyInt8';
  const isSymmetric = Math.abs(min / scale + 128) < 1e-3;
  const depth = bytes.length / n;
  const least = use === 'int8 residual' ? 1 : MIN_INT8_DEPTH;
  const isDeep = depth >= least && depth <= MAX_INT8_DEPTH[product];
  return isSymmetric && isDeep ? product : 'multiply';
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
      const dequantization = attrs as unknown as Dequantization;
      const { bytes, shape, scale, min, factors } = dequantization;
      const target = targetOf(dequantization);
      const scales = factors.map((factor) => scale * factor);
      const at = heap._malloc(scales.byteLength + bytes.length);
      const codes = at + scales.byteLength;
      heap.HEAPU8.set(new Uint8Array(scales.buffer), at);
      heap.HEAPU8.set(bytes, codes);
      const offset = min / scale;
      const n = shape.at(-1) as number;
      const k = bytes.length / n;
      const scaling = { scales: at, channels: scales.length };
      let out: tf.TensorInfo;
      if (target === 'values') {
        out = backend.makeOutput(shape, 'float32');
        const values = { codes, count: bytes.length, offset, ...scaling };
        kernels.dequantize({ ...values, out: backend.getMemoryOffset(out.dataId) });
      } else {
        const { tensor, at: to } = matrices.makePacked(shape, target);
        const values = { codes, k, n, ...scaling };
        if (target === 'multiply') kernels.dequantizePanels({ ...values, offset, out: to });
        else kernels.packInt8Panels({ ...values, to });
        out = tensor;
      }
      heap._free(at);
      return out;
    },
  });
}
