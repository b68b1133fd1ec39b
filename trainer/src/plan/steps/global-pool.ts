import * as tf from '@tensorflow/tfjs';
import { type GraphWriter, integerType } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import {
  type BackwardContext,
  inputGradients,
  type Operation,
  type StepBase,
} from '../operation.ts';

/** Reduces `[n, height, width, channels]` to `[n, channels]`. */
export interface GlobalPoolStep<
  K extends 'global-average-pool' | 'global-max-pool' = 'global-average-pool' | 'global-max-pool',
> extends StepBase {
  readonly kind: K;
}

export const globalAveragePool = globalPool('global-average-pool', {
  layer: 'GlobalAveragePooling2D',
  node: 'Mean',
  pool: (x) => x.mean([1, 2]),
  gradient(x, { dy }) {
    const [n, height, width, channels] = x.shape;
    const spread = dy.div(height * width).reshape([n, 1, 1, channels]);
    return tf.zerosLike(x).add(spread);
  },
});

export const globalMaxPool = globalPool('global-max-pool', {
  layer: 'GlobalMaxPooling2D',
  node: 'Max',
  pool: (x) => x.max([1, 2]),
  gradient(x, { output, dy }) {
    const [n, , , channels] = x.shape;
    const largest = x.equal(output.reshape([n, 1, 1, channels])).cast('float32');
    // Several equal maxima share the gradient, as in TensorFlow.
    return largest.div(largest.sum([1, 2], true)).mul(dy.reshape([n, 1, 1, channels]));
  },
});

interface Reduction {
  /** Of tf.layers. */
  readonly layer: string;
  /** Of a graph. */
  readonly node: 'Mean' | 'Max';
  pool(x: tf.Tensor4D): tf.Tensor;
  gradient(x: tf.Tensor4D, context: BackwardContext): tf.Tensor;
}

function globalPool<K extends GlobalPoolStep['kind']>(
  kind: K,
  { layer, node, pool, gradient }: Reduction,
): Operation<GlobalPoolStep<K>> {
  return {
    layers: { [layer]: (one) => oneStep({ ...baseOf(one), kind }) },
    forward: (_, inputs) => ({ output: pool(inputs[0] as tf.Tensor4D) }),
    backward: (_, context) =>
      inputGradients(context, () => [
        tf.tidy(() => gradient(context.inputs[0] as tf.Tensor4D, context)),
      ]),
    outputShape: (_, [input]) => [input?.[2] as number],
    writeGraph: (step, graph) => writeReduction(graph, step, node),
  };
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
