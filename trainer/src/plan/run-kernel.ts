import * as tf from '@tensorflow/tfjs';

/** Runs a kernel that tfjs has no function for, such as a gradient's. */
export function runKernel<T extends tf.Tensor | tf.Tensor[] = tf.Tensor>(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: object,
): T {
  return tf.engine().runKernel<T>(name, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap);
}
