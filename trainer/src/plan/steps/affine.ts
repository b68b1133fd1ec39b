import * as tf from '@tensorflow/tfjs';
import { type FrozenBatchNorm, freezeBatchNorm } from '../batch-norm/frozen-batch-norm.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { toNamedTensor } from '../named-tensor.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

/** A BatchNorm that is not fused with a convolution: `x * scale + shift`. */
export interface AffineStep extends StepBase {
  readonly kind: 'affine';
  readonly batchNorm: FrozenBatchNorm;
}

export const affine: Operation<AffineStep> = {
  layers: {
    BatchNormalization: (layer) =>
      oneStep({
        ...baseOf(layer),
        kind: 'affine',
        batchNorm: freezeBatchNorm(layer, false),
      } as AffineStep),
  },
  forward({ batchNorm: { scale, shift } }, inputs) {
    return { output: tf.tidy(() => (inputs[0] as tf.Tensor).mul(scale).add(shift)) };
  },
  backward({ batchNorm }, context) {
    return inputGradients(context, () => [context.dy.mul(batchNorm.scale)]);
  },
  constants: ({ batchNorm: { scale, shift } }) => [scale, shift],
  async writeGraph({ name, inputs, output, batchNorm }, graph) {
    const [input] = inputs as [string];
    const scale = graph.float(`${name}/scale`, await toNamedTensor(batchNorm.scale));
    const shift = graph.float(`${name}/shift`, await toNamedTensor(batchNorm.shift));
    graph.node(output, 'AddV2', [graph.node(`${output}/scaled`, 'Mul', [input, scale]), shift]);
  },
};
