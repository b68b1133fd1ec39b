import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../config/random.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

export interface DropoutStep extends StepBase {
  readonly kind: 'dropout';
  /** Fraction of the units set to 0 in training. */
  readonly rate: number;
  /** Drops all units of an example or none: stochastic depth (Huang et al. 2016). */
  readonly wholeExamples: boolean;
}

export const dropout: Operation<DropoutStep> = {
  layers: {
    Dropout(layer) {
      const config = layer.getConfig();
      const noiseShape = JSON.stringify(config['noiseShape'] ?? null);
      if (!['null', '[null,1,1,1]'].includes(noiseShape)) {
        throw new Error(`${layer.name}: expected dropout of units or of whole examples.`);
      }
      const step = { ...baseOf(layer), kind: 'dropout', rate: config['rate'] as number };
      return oneStep({ ...step, wholeExamples: noiseShape !== 'null' } as DropoutStep);
    },
  },
  forward(step, inputs, random) {
    const [x] = inputs as [tf.Tensor];
    if (!random) return { output: x.clone() };
    const mask = dropoutMask(x.shape, step, random);
    return { output: x.mul(mask), saved: [mask] };
  },
  backward: (_, context) =>
    inputGradients(context, () => [context.dy.mul(context.saved[0] as tf.Tensor)]),
  writeGraph({ inputs, output }, graph) {
    graph.node(output, 'Identity', inputs);
  },
};

/** A mask of 0 and `1 / (1 − rate)`, which keeps the mean (Srivastava et al. 2014, §10). */
function dropoutMask(
  shape: readonly number[],
  { rate, wholeExamples }: DropoutStep,
  random: Random,
): tf.Tensor {
  const maskShape = wholeExamples ? [shape[0] as number, 1, 1, 1] : [...shape];
  const kept = Float32Array.from({ length: tf.util.sizeFromShape(maskShape) }, () =>
    random.float() < rate ? 0 : 1 / (1 - rate),
  );
  return tf.tensor(kept, maskShape);
}
