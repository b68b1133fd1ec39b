import * as tf from '@tensorflow/tfjs';
import type { Operation, StepBase } from '../operation.ts';

/** Turns logits into probabilities. Its layers are activations: see activation.ts. */
export interface SoftmaxStep extends StepBase {
  readonly kind: 'softmax';
}

export const softmax: Operation<SoftmaxStep> = {
  layers: {},
  forward: (_, inputs) => ({ output: tf.softmax(inputs[0] as tf.Tensor) }),
  backward({ name }) {
    throw new Error(`${name}: the loss starts from the logits, so a softmax has no gradient.`);
  },
  writeGraph({ inputs, output }, graph) {
    graph.node(output, 'Softmax', inputs);
  },
};
