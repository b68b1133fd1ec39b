import * as tf from '@tensorflow/tfjs';
import { type Network, settleScore } from './load-model.ts';

/**
 * A network whose outputs for an image are the mean of those for the image and for its mirror image: twice the time, and
 * often a little more accurate where left and right mean nothing (Simonyan & Zisserman 2015, §3.2).
 */
export function averageFlips<T extends Network>(network: T): T {
  const { run, outputs, exactScore } = network;
  const mean = (a: tf.Tensor, b: tf.Tensor) => a.add(b).div(2);
  const mirror = (inputs: tf.Tensor) => inputs.reverse(2);
  return {
    ...network,
    run: (inputs: tf.Tensor) => tf.tidy(() => mean(run(inputs), run(mirror(inputs)))),
    ...(outputs && {
      outputs: (inputs: tf.Tensor) =>
        tf.tidy(() => {
          const mirrored = mirror(inputs);
          const others = outputs(mirrored);
          const exactly = exactScore && (() => mean(exactScore(inputs), exactScore(mirrored)));
          const [probabilities, ...scores] = outputs(inputs).map((output, i) =>
            mean(output, others[i] as tf.Tensor),
          );
          return [
            probabilities as tf.Tensor,
            ...scores.map((score) => settleScore(score, exactly)),
          ];
        }),
    }),
  };
}
