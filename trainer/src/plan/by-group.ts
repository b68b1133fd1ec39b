import * as tf from '@tensorflow/tfjs';

/** Splits tensors along their last dimension, computes each group by itself, and concatenates the results. */
export function byGroup<T extends tf.Tensor>(
  groups: number,
  tensors: readonly tf.Tensor[],
  compute: (parts: readonly tf.Tensor[]) => T,
): T {
  if (groups === 1) return compute(tensors);
  const parts = tensors.map((tensor) => tf.split(tensor, groups, tensor.rank - 1));
  const results = Array.from({ length: groups }, (_, group) =>
    compute(parts.map((shares) => shares[group] as tf.Tensor)),
  );
  return tf.concat(results, 3) as T;
}
