import * as tf from '@tensorflow/tfjs';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

/** Multiplies two values, the second `[n, 1, 1, channels]`: squeeze-and-excitation's gate. */
export interface MultiplyStep extends StepBase {
  readonly kind: 'multiply';
}

export const multiply: Operation<MultiplyStep> = {
  layers: { Multiply: (layer) => oneStep({ ...baseOf(layer), kind: 'multiply' }) },
  forward(_, inputs) {
    const [x, gate] = inputs as [tf.Tensor, tf.Tensor];
    return { output: x.mul(gate) };
  },
  backward(_, context) {
    const [x, gate] = context.inputs as [tf.Tensor, tf.Tensor];
    const { dy } = context;
    return inputGradients(context, () =>
      tf.tidy(() => [dy.mul(gate), dy.mul(x).sum([1, 2], true)]),
    );
  },
  writeGraph({ inputs, output }, graph) {
    graph.node(output, 'Mul', inputs);
  },
};
