import * as tf from '@tensorflow/tfjs';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

/** The sum of two values or more, all of one shape. */
export interface AddStep extends StepBase {
  readonly kind: 'add';
}

export const add: Operation<AddStep> = {
  layers: { Add: (layer) => oneStep({ ...baseOf(layer), kind: 'add' }) },
  forward(_, inputs) {
    return { output: tf.tidy(() => inputs.reduce((sum, next) => sum.add(next))) };
  },
  backward: (_, context) =>
    inputGradients(context, () => context.inputs.map(() => context.dy.clone())),
  writeGraph({ inputs, output }, graph) {
    if (inputs.length === 2) graph.node(output, 'AddV2', inputs);
    else graph.node(output, 'AddN', inputs, { N: { i: `${inputs.length}` } });
  },
};
