import type * as tf from '@tensorflow/tfjs';

/** A tensor in memory, outside any backend, row-major. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Copies a tensor's values out of the backend. */
export async function toNamedTensor(tensor: tf.Tensor): Promise<NamedTensor> {
  return { shape: tensor.shape, values: Float32Array.from(await tensor.data()) };
}
