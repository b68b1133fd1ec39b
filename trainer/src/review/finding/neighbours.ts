import * as tf from '@tensorflow/tfjs';

/** Images whose features point in nearly the same direction as another's. */
export interface Neighbours {
  /** Of each image. */
  readonly count: number;
  /** `[n, count]`, the nearest first. */
  readonly indices: Int32Array;
  /** `[n, count]`: cosine of the angle between standardized features, −1 to 1. */
  readonly similarities: Float32Array;
}

/** Rows whose similarities to all others are in memory at once. */
const BLOCK = 512;

/**
 * Finds the nearest neighbours of every image by the cosine between their features, which are
 * standardized first: those of a network that ends in ReLU all point the same way.
 *
 * @param features `[n, channels]`, not disposed of
 * @param count of neighbours; fewer where there are fewer images
 */
export async function findNeighbours(
  features: tf.Tensor2D,
  count: number,
  signal: AbortSignal,
): Promise<Neighbours> {
  const rows = features.shape[0];
  const most = Math.min(count, rows - 1);
  const units = tf.tidy(() => {
    const { mean, variance } = tf.moments(features, 0);
    const centred = features.sub(mean).div(variance.sqrt().add(1e-3));
    return centred.div<tf.Tensor2D>(centred.norm('euclidean', 1, true).add(1e-9));
  });
  const indices = new Int32Array(rows * most);
  const similarities = new Float32Array(rows * most);
  try {
    for (let begin = 0; begin < rows; begin += BLOCK) {
      signal.throwIfAborted();
      const length = Math.min(BLOCK, rows - begin);
      const top = tf.tidy(() =>
        tf.topk(tf.matMul(units.slice([begin, 0], [length, -1]), units, false, true), most + 1),
      );
      const [values, places] = [await top.values.data(), await top.indices.data()];
      tf.dispose([top.values, top.indices]);
      for (let row = 0; row < length; row++) {
        let to = (begin + row) * most;
        const end = to + most;
        for (let at = row * (most + 1); at < (row + 1) * (most + 1) && to < end; at++) {
          // The image itself, which need not come first among copies.
          if (places[at] === begin + row) continue;
          indices[to] = places[at] as number;
          similarities[to] = values[at] as number;
          to += 1;
        }
      }
    }
  } finally {
    units.dispose();
  }
  return { count: most, indices, similarities };
}
