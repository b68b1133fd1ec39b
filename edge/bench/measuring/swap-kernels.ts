import * as tf from '@tensorflow/tfjs-core';

/** The kernels that ours replace, and three that tfjs-wasm does not have. */
const names = [
  'Add',
  'Dequantize',
  'ExpandedDepthwise',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  'Identity',
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
