import * as tf from '@tensorflow/tfjs';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';
import { runKernel } from '../run-kernel.ts';

/** Divides by the neighbouring channels' squares (Krizhevsky et al. 2012, §3.3). */
export interface LocalResponseNormalizationStep extends StepBase {
  readonly kind: 'local-response-normalization';
  /** Channels to each side. */
  readonly radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

export const localResponseNormalization: Operation<LocalResponseNormalizationStep> = {
  layers: {
    LocalResponseNormalization(layer) {
      const { radius, bias, alpha, beta } = layer.getConfig() as Record<string, number>;
      const step = { ...baseOf(layer), kind: 'local-response-normalization' };
      return oneStep({ ...step, radius, bias, alpha, beta } as LocalResponseNormalizationStep);
    },
  },
  forward({ radius, bias, alpha, beta }, inputs) {
    const x = inputs[0] as tf.Tensor4D;
    return { output: tf.localResponseNormalization(x, radius, bias, alpha, beta) };
  },
  backward({ radius: depthRadius, bias, alpha, beta }, context) {
    const { inputs, output, dy } = context;
    const tensors = { x: inputs[0] as tf.Tensor, y: output, dy };
    return inputGradients(context, () => [
      runKernel(tf.LRNGrad, tensors, { depthRadius, bias, alpha, beta }),
    ]);
  },
  writeGraph({ inputs, output, radius, bias, alpha, beta }, graph) {
    graph.node(output, 'LRN', inputs, {
      depth_radius: { i: `${radius}` },
      bias: { f: bias },
      alpha: { f: alpha },
      beta: { f: beta },
    });
  },
};
