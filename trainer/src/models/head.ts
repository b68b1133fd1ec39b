import * as tf from '@tensorflow/tfjs';
import type { TrainConfig } from '../config/train-config.ts';
import { cutPlan, type Plan } from '../plan/plan.ts';

/** Name of the first layer of the head `convolution`. */
export const HEAD_CONVOLUTION = 'head_conv';

const FILTERS = 32;

/**
 * Attaches a classification head to a backbone: global average pooling, dropout and a dense layer. The
 * head `convolution` has a 7×7 convolution and BatchNorm before these, and a dense layer of 512 units with
 * ReLU before the last one.
 *
 * @param dropout rate in training, 0–1
 * @param seed of the kernels' initialization
 * @param multiLabel whether an image may have several labels or none, so that each has a probability of its own
 * @returns one flat model, `[n, size, size, 3]` to probabilities `[n, classes]`
 */
export function attachHead(
  backbone: tf.LayersModel,
  classes: number,
  { head, dropout, seed }: Pick<TrainConfig, 'head' | 'dropout' | 'seed'>,
  multiLabel = false,
): tf.LayersModel {
  const kernel = (plus = 0) => tf.initializers.glorotUniform({ seed: seed + plus });
  const isLinear = head === 'linear';
  const layers = [
    ...(isLinear
      ? []
      : [
          tf.layers.conv2d({
            name: HEAD_CONVOLUTION,
            filters: FILTERS,
            kernelSize: 7,
            padding: 'same',
            kernelInitializer: kernel(1),
          }),
          tf.layers.batchNormalization({ name: 'head_bn' }),
        ]),
    tf.layers.globalAveragePooling2d({ name: 'avg_pool' }),
    tf.layers.dropout({ name: 'top_dropout', rate: dropout }),
    ...(isLinear
      ? []
      : [
          tf.layers.dense({
            name: 'head_dense',
            units: 512,
            activation: 'relu',
            kernelInitializer: kernel(2),
          }),
        ]),
    tf.layers.dense({
      name: 'predictions',
      units: classes,
      activation: multiLabel ? 'sigmoid' : 'softmax',
      kernelInitializer: kernel(),
    }),
  ];
  const output = layers.reduce(
    (x, layer) => layer.apply(x) as tf.SymbolicTensor,
    backbone.outputs[0] as tf.SymbolicTensor,
  );
  return tf.model({ inputs: backbone.inputs, outputs: output });
}

/**
 * Cuts a network into the part that is frozen in stage 1, and the head. Pooling belongs to the trunk: it
 * has no parameters, and its output is small to cache.
 */
export function cutHead(plan: Plan): { trunk: Plan; head: Plan } {
  const convolution = plan.steps.findIndex(({ name }) => name === HEAD_CONVOLUTION);
  return cutPlan(plan, plan.steps[convolution - 1]?.name ?? 'avg_pool');
}
