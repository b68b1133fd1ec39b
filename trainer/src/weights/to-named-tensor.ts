import type * as tf from '@tensorflow/tfjs';
import type { NamedTensor } from './safetensors.ts';

/** Copies a tensor's values out of the backend. */
export async function toNamedTensor(tensor: tf.Tensor): Promise<NamedTensor> {
  return { shape: tensor.shape, values: Float32Array.from(await tensor.data()) };
}
