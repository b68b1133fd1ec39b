import * as tf from '@tensorflow/tfjs';
import { numbers, text } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';
import { runKernel } from '../run-kernel.ts';
import { type Padding, windowedShape } from '../window.ts';

/** Maximum or mean of each window; padding counts in neither. */
export interface PoolStep<K extends 'max-pool' | 'average-pool' = 'max-pool' | 'average-pool'>
  extends StepBase {
  readonly kind: K;
  readonly size: [number, number];
  readonly strides: [number, number];
  readonly padding: Padding;
}

export const maxPool: Operation<PoolStep<'max-pool'>> = {
  layers: { MaxPooling2D: (layer) => oneStep(poolStep(layer, 'max-pool')) },
  forward({ size, strides, padding }, inputs) {
    return { output: tf.maxPool(inputs[0] as tf.Tensor4D, size, strides, padding) };
  },
  backward(step, context) {
    const { inputs, output, dy } = context;
    const tensors = { dy, input: inputs[0] as tf.Tensor, output };
    return inputGradients(context, () => [
      runKernel(tf.MaxPoolGrad, tensors, gradientAttributes(step)),
    ]);
  },
  outputShape: poolShape,
  writeGraph: (step, graph) => {
    graph.node(step.output, 'MaxPool', step.inputs, graphAttributes(step));
  },
};

export const averagePool: Operation<PoolStep<'average-pool'>> = {
  layers: { AveragePooling2D: (layer) => oneStep(poolStep(layer, 'average-pool')) },
  forward({ size, strides, padding }, inputs) {
    return { output: tf.avgPool(inputs[0] as tf.Tensor4D, size, strides, padding) };
  },
  backward(step, context) {
    const tensors = { dy: context.dy, input: context.inputs[0] as tf.Tensor };
    return inputGradients(context, () => [
      runKernel(tf.AvgPoolGrad, tensors, gradientAttributes(step)),
    ]);
  },
  outputShape: poolShape,
  writeGraph: (step, graph) => {
    graph.node(step.output, 'AvgPool', step.inputs, graphAttributes(step));
  },
};

function poolStep(layer: tf.layers.Layer, kind: PoolStep['kind']): PoolStep {
  const config = layer.getConfig();
  return {
    ...baseOf(layer),
    kind,
    size: config['poolSize'] as [number, number],
    strides: config['strides'] as [number, number],
    padding: config['padding'] as Padding,
  };
}

function poolShape(step: PoolStep, [input]: readonly (readonly number[])[]): readonly number[] {
  const shape = input as [number, number, number];
  return [...windowedShape(shape, step.size, step.strides, step.padding), shape[2]];
}

function gradientAttributes({ size, strides, padding }: PoolStep): object {
  return { filterSize: size, strides, pad: padding, dimRoundingMode: undefined };
}

function graphAttributes({ size, strides, padding }: PoolStep): Readonly<Record<string, unknown>> {
  return {
    ksize: numbers([1, ...size, 1]),
    strides: numbers([1, ...strides, 1]),
    padding: text(padding.toUpperCase()),
    data_format: text('NHWC'),
  };
}
