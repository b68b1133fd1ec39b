import * as tf from '@tensorflow/tfjs';
import { fusedOps } from '../graph-writer.ts';
import {
  baseOf,
  expectConfig,
  inlineActivation,
  parameterOf,
  withActivation,
} from '../layers/layer-options.ts';
import { type NamedTensor, toNamedTensor } from '../named-tensor.ts';
import type { Operation, Parameter, StepBase } from '../operation.ts';

/** `[n, in]` to `[n, out]`: `x · kernel + bias`. */
export interface DenseStep extends StepBase {
  readonly kind: 'dense';
  readonly kernel: Parameter;
  readonly bias: Parameter;
}

export const dense: Operation<DenseStep> = {
  layers: {
    Dense(layer) {
      expectConfig(layer, { useBias: true });
      const [kernel, bias] = [parameterOf(layer, 0), parameterOf(layer, 1)];
      const step: DenseStep = { ...baseOf(layer), kind: 'dense', kernel, bias };
      return withActivation(step, inlineActivation(layer));
    },
  },
  forward({ kernel, bias }, inputs) {
    const output = tf.tidy(() =>
      tf.matMul(inputs[0] as tf.Tensor2D, kernel.value as tf.Tensor2D).add(bias.value),
    );
    return { output };
  },
  backward({ kernel, bias }, { inputs, dy, needsInputGradient }) {
    const rows = dy as tf.Tensor2D;
    const parameters: (readonly [Parameter, tf.Tensor])[] = [];
    if (kernel.value.trainable) {
      parameters.push([kernel, tf.matMul(inputs[0] as tf.Tensor2D, rows, true)]);
    }
    if (bias.value.trainable) parameters.push([bias, rows.sum(0)]);
    return {
      inputs: needsInputGradient ? [tf.matMul(rows, kernel.value as tf.Tensor2D, false, true)] : [],
      parameters,
    };
  },
  outputShape: ({ bias }) => [bias.value.size],
  cost: ({ kernel }) => 2 * kernel.value.size,
  parameters: ({ kernel, bias }) => [kernel, bias],
  async writeGraph({ name, inputs, output, kernel, bias }, graph, factor) {
    const [input] = inputs as [string];
    const scaled = async ({ value }: Parameter) => times(await toNamedTensor(value), factor);
    graph.node(
      output,
      '_FusedMatMul',
      [
        input,
        graph.kernel(`${name}/kernel`, await scaled(kernel), 1),
        graph.float(`${name}/bias`, await scaled(bias)),
      ],
      { transpose_a: { b: false }, transpose_b: { b: false }, ...fusedOps(['BiasAdd']) },
    );
  },
};

function times({ shape, values }: NamedTensor, factor: number): NamedTensor {
  return { shape, values: values.map((value) => value * factor) };
}
