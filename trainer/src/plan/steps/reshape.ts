import type * as tf from '@tensorflow/tfjs';
import { integerType } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type Shape, type StepBase } from '../operation.ts';

export interface ReshapeStep extends StepBase {
  readonly kind: 'reshape';
  /** The shape of one example. */
  readonly shape: Shape;
}

export const reshape: Operation<ReshapeStep> = {
  layers: { Flatten: fuseReshape, Reshape: fuseReshape },
  forward({ shape }, inputs) {
    const [x] = inputs as [tf.Tensor];
    return { output: x.reshape([x.shape[0] as number, ...shape]) };
  },
  backward: (_, context) =>
    inputGradients(context, () => [context.dy.reshape((context.inputs[0] as tf.Tensor).shape)]),
  outputShape: ({ shape }) => shape,
  writeGraph({ inputs, output, shape }, graph) {
    const [input] = inputs as [string];
    const target = graph.integers(`${output}/shape`, [-1, ...shape]);
    graph.node(output, 'Reshape', [input, target], { ...integerType('Tshape') });
  },
};

function fuseReshape(layer: tf.layers.Layer) {
  const [, ...shape] = layer.outputShape as number[];
  return oneStep({ ...baseOf(layer), kind: 'reshape', shape } as ReshapeStep);
}
