import * as tf from '@tensorflow/tfjs';
import type { TrainConfig } from '../config/train-config.ts';
import { cutPlan, type Plan } from '../plan/plan.ts';

/** The convolution that the head called `convolution` begins with. */
export const HEAD_CONVOLUTION = 'head_conv';

const FILTERS = 32;

/**
 * Grows a head on a backbone: global average pooling, dropout, one dense layer. The head called
 * `convolution` puts a 7×7 convolution and BatchNorm in front of these, and a dense layer of 512
 * with ReLU in between.
 *
 * @param dropout fraction of the features dropped in training
 * @param seed of the kernels
 * @returns one flat model, `[n, size, size, 3]` to probabilities `[n, classes]`
 */
export function attachHead(
  backbone: tf.LayersModel,
  classes: number,
  { head, dropout, seed }: Pick<TrainConfig, 'head' | 'dropout' | 'seed'>,
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
      activation: 'softmax',
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
 * Cuts a network where stage 1 does: what does not learn in it, and the head. Pooling has nothing
 * to learn, and what it puts out is small.
 */
export function cutHead(plan: Plan): { trunk: Plan; head: Plan } {
  const convolution = plan.steps.findIndex(({ name }) => name === HEAD_CONVOLUTION);
  return cutPlan(plan, plan.steps[convolution - 1]?.name ?? 'avg_pool');
}
