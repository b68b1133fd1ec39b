import * as tf from '@tensorflow/tfjs-core';

/** tfjs-wasm's kernels that ours stand in for. */
const names = ['FusedConv2D', 'FusedDepthwiseConv2D', '_FusedMatMul'];

/** By name, as they are or were registered. */
export type Kernels = ReadonlyMap<string, tf.KernelConfig>;

/** Those that are registered now: stock ones before the backend starts, ours behind that. */
export function registeredKernels(): Kernels {
  return new Map(names.map((name) => [name, tf.getKernel(name, 'wasm')]));
}

export function useKernels(kernels: Kernels): void {
  for (const [name, kernel] of kernels) {
    tf.unregisterKernel(name, 'wasm');
    tf.registerKernel(kernel);
  }
}
