import * as tf from '@tensorflow/tfjs';
import { type GraphWriter, integerType } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

/** Concatenates values along the channels. */
export interface ConcatStep extends StepBase {
  readonly kind: 'concat';
}

export const concat: Operation<ConcatStep> = {
  layers: { Concatenate: (layer) => oneStep({ ...baseOf(layer), kind: 'concat' }) },
  forward: (_, inputs) => ({ output: tf.concat([...inputs], -1) }),
  backward(_, context) {
    const channels = context.inputs.map(({ shape }) => shape.at(-1) as number);
    return inputGradients(context, () => tf.split(context.dy, channels, -1));
  },
  outputShape(_, inputs) {
    const [[height, width]] = inputs as [[number, number, number]];
    return [height, width, inputs.reduce((sum, input) => sum + (input[2] as number), 0)];
  },
  writeGraph: ({ inputs, output }, graph) => writeConcat(graph, output, inputs),
};

export function writeConcat(graph: GraphWriter, name: string, inputs: readonly string[]): void {
  const axis = graph.integers(`${name}/axis`, [3], []);
  graph.node(name, 'ConcatV2', [...inputs, axis], {
    N: { i: `${inputs.length}` },
    ...integerType('Tidx'),
  });
}
