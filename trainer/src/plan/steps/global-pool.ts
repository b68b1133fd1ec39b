import * as tf from '@tensorflow/tfjs';
import { type GraphWriter, integerType } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type Shape, type StepBase } from '../operation.ts';

/** Reduces `[n, height, width, channels]` to `[n, channels]`. */
export interface GlobalPoolStep<
  K extends 'global-average-pool' | 'global-max-pool' = 'global-average-pool' | 'global-max-pool',
> extends StepBase {
  readonly kind: K;
}

export const globalAveragePool: Operation<GlobalPoolStep<'global-average-pool'>> = {
  layers: {
    GlobalAveragePooling2D: (layer) => oneStep({ ...baseOf(layer), kind: 'global-average-pool' }),
  },
  forward: (_, inputs) => ({ output: (inputs[0] as tf.Tensor4D).mean([1, 2]) }),
  backward(_, context) {
    const [x] = context.inputs as [tf.Tensor4D];
    const [n, height, width, channels] = x.shape;
    return inputGradients(context, () => [
      tf.tidy(() => {
        const spread = context.dy.div(height * width).reshape([n, 1, 1, channels]);
        return tf.zerosLike(x).add(spread);
      }),
    ]);
  },
  outputShape: channelsOf,
  writeGraph: (step, graph) => writeReduction(graph, step, 'Mean'),
};

export const globalMaxPool: Operation<GlobalPoolStep<'global-max-pool'>> = {
  layers: {
    GlobalMaxPooling2D: (layer) => oneStep({ ...baseOf(layer), kind: 'global-max-pool' }),
  },
  forward: (_, inputs) => ({ output: (inputs[0] as tf.Tensor4D).max([1, 2]) }),
  backward(_, context) {
    const [x] = context.inputs as [tf.Tensor4D];
    const [n, , , channels] = x.shape;
    return inputGradients(context, () => [
      tf.tidy(() => {
        const { output, dy } = context;
        const largest = x.equal(output.reshape([n, 1, 1, channels])).cast('float32');
        // Several equal maxima share the gradient, as in TensorFlow.
        return largest.div(largest.sum([1, 2], true)).mul(dy.reshape([n, 1, 1, channels]));
      }),
    ]);
  },
  outputShape: channelsOf,
  writeGraph: (step, graph) => writeReduction(graph, step, 'Max'),
};

function channelsOf(_: GlobalPoolStep, [input]: readonly Shape[]): Shape {
  return [input?.[2] as number];
}

function writeReduction(
  graph: GraphWriter,
  { inputs, output }: GlobalPoolStep,
  operation: 'Mean' | 'Max',
): void {
  const [input] = inputs as [string];
  graph.node(output, operation, [input, graph.integers(`${output}/axes`, [1, 2])], {
    ...integerType('Tidx'),
    keep_dims: { b: false },
  });
}
