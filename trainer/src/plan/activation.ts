import * as tf from '@tensorflow/tfjs';
import type { Activation } from './plan.ts';

/** @param x of any shape; the caller disposes of the result */
export function activate(activation: Activation, x: tf.Tensor): tf.Tensor {
  switch (activation) {
    case 'relu':
      return tf.relu(x);
    case 'relu6':
      return tf.relu6(x);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'swish':
      return tf.tidy(() => tf.sigmoid(x).mul(x));
    case 'tanh':
      return tf.tanh(x);
  }
}

/**
 * The loss by an activation's input.
 *
 * @param dy the loss by its output
 * @param x its input; only swish reads it
 * @param y its output
 */
export function activationGradient(
  activation: Activation,
  dy: tf.Tensor,
  x: tf.Tensor,
  y: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    switch (activation) {
      case 'relu':
      case 'relu6': {
        const kernel = activation === 'relu6' ? 'Relu6Grad' : 'ReluGrad';
        // One pass over the activations where the backend has it, in place of five.
        if (tf.getKernel(kernel, tf.getBackend())) {
          return tf.engine().runKernel<tf.Tensor>(kernel, { dy, y }, {});
        }
        const positive = y.greater(0);
        const open = activation === 'relu6' ? positive.logicalAnd(y.less(6)) : positive;
        return dy.mul(open.cast('float32'));
      }
      case 'sigmoid':
        return dy.mul(y.mul(tf.sub(1, y)));
      case 'swish': {
        const gate = tf.sigmoid(x);
        // (x σ)' = σ + x σ (1 − σ) = σ + y (1 − σ).
        return dy.mul(gate.add(y.mul(tf.sub(1, gate))));
      }
      case 'tanh':
        return dy.mul(tf.sub(1, y.square()));
    }
  });
}
