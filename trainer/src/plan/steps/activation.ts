import * as tf from '@tensorflow/tfjs';
import { activationOf, activationStep, baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

export type Activation = 'relu' | 'relu6' | 'sigmoid' | 'swish' | 'tanh';

export interface ActivationStep extends StepBase {
  readonly kind: 'activation';
  readonly activation: Activation;
}

/** TensorFlow's names of the activations; swish is written as a product. */
export const GRAPH_ACTIVATIONS = {
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
} as const;

export const activation: Operation<ActivationStep> = {
  layers: { ReLU: fuseActivation, Activation: fuseActivation },
  forward: (step, inputs) => ({ output: activate(step.activation, inputs[0] as tf.Tensor) }),
  backward(step, context) {
    const { inputs, output, dy } = context;
    return inputGradients(context, () => [
      activationGradient(step.activation, dy, inputs[0] as tf.Tensor, output),
    ]);
  },
  writeGraph({ activation, inputs, output }, graph) {
    const [input] = inputs as [string];
    if (activation === 'swish') {
      const gate = graph.node(`${output}/gate`, 'Sigmoid', inputs);
      graph.node(output, 'Mul', [input, gate]);
    } else {
      graph.node(output, GRAPH_ACTIVATIONS[activation], inputs);
    }
  },
};

/** Reads a softmax layer too, which becomes a step of another kind. */
function fuseActivation(layer: tf.layers.Layer) {
  const activation = activationOf(layer);
  if (activation === 'linear') throw new Error(`${layer.name}: expected an activation.`);
  return oneStep({ ...baseOf(layer), ...activationStep(activation) });
}

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
 * The gradient of the loss with respect to an activation's input.
 *
 * @param dy the gradient with respect to its output
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
        // Where the backend has this kernel, one pass over the activations instead of five.
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
