import * as tf from '@tensorflow/tfjs-core';
import type { WeightUse } from 'shared/inference/kernels/dequantize';

/** The kernels that ours replace, and four that tfjs-wasm does not have. */
const names = [
  'Add',
  'Dequantize',
  'ExpandedDepthwise',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  'Identity',
  'InvertedResidual',
  'Mean',
  'Multiply',
  'Sigmoid',
  'Swish',
  '_FusedMatMul',
];

/** Registered kernels by name. */
export type Kernels = ReadonlyMap<string, tf.KernelConfig>;

/** The kernels that are registered now: stock ones before the backend starts, ours after that. */
export function registeredKernels(): Kernels {
  return new Map(names.map((name) => [name, tf.getKernel(name, 'wasm')]));
}

/** Stock kernels cannot use weights that ours have loaded: see `makePacked`. */
export function useKernels(kernels: Kernels): void {
  for (const name of names) {
    if (tf.getKernel(name, 'wasm')) tf.unregisterKernel(name, 'wasm');
    const kernel = kernels.get(name);
    if (kernel) tf.registerKernel(kernel);
  }
}

/** Our kernels, with float32 in place of int8 weights. */
export function inFloat32(kernels: Kernels): Kernels {
  const dequantize = kernels.get('Dequantize') as tf.KernelConfig;
  const kernelFunc: tf.KernelFunc = (call) => {
    const { use } = call.attrs as unknown as { use: WeightUse };
    const attrs = { ...call.attrs, use: use === 'values' ? use : 'factor' };
    return dequantize.kernelFunc({ ...call, attrs });
  };
  return new Map([...kernels, ['Dequantize', { ...dequantize, kernelFunc }]]);
}
