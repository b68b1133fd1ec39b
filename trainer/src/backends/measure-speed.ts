import * as tf from '@tensorflow/tfjs';

/** Speed of the current backend, in billions of additions and multiplications a second. */
export interface Speed {
  readonly matMul: number;
  /** The speed of training: of a 3×3 convolution and both of its gradients. */
  readonly convolution: number;
}

const budgetMs = 300;

/** Measures the current backend, which takes about a second, on plain JavaScript a few. */
export async function measureSpeed(): Promise<Speed> {
  const size = 512;
  const [a, b] = [tf.randomUniform([size, size]), tf.randomUniform([size, size])];
  const matMul = await gigaflops(2 * size ** 3, () => [tf.matMul(a, b)]);

  const [batch, side, channels] = [4, 28, 32];
  const x = tf.randomUniform<tf.Rank.R4>([batch, side, side, channels]);
  const filter = tf.randomUniform<tf.Rank.R4>([3, 3, channels, channels]);
  const dy = tf.randomUniform<tf.Rank.R4>([batch, side, side, channels]);
  const both = tf.grads((input, kernel) =>
    tf.conv2d(input as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'),
  );
  const products = 3 * batch * side * side * 9 * channels * channels;
  const convolution = await gigaflops(2 * products, () => both([x, filter], dy));
  tf.dispose([a, b, x, filter, dy]);
  return { matMul, convolution };
}

/** The best of the runs that fit into the time budget; at least one, after a warm-up. */
async function gigaflops(flops: number, run: () => tf.Tensor[]): Promise<number> {
  const time = async () => {
    const begin = performance.now();
    const outputs = run();
    // A GPU computes asynchronously, so the values must be read to know that it has finished.
    await Promise.all(outputs.map((output) => output.data()));
    tf.dispose(outputs);
    return performance.now() - begin;
  };
  let best = await time();
  const begin = performance.now();
  do best = Math.min(best, await time());
  while (performance.now() - begin < budgetMs);
  return flops / best / 1e6;
}
