import * as tf from '@tensorflow/tfjs';
import { KerasLayers, type Value } from './layers/keras-layers.ts';

/** A family's network of one size. Layers must be created in the order in which Keras creates them. */
export interface Architecture {
  /** From the image, `[n, size, size, 3]`, to the features, `[n, height, width, channels]`. */
  trunk(layers: KerasLayers, input: Value): Value;
  /** From the features to probabilities, `[n, classes]`. */
  top(layers: KerasLayers, features: Value, classes: number): Value;
  /** The names of the layers that `pooling` adds, where Keras gives them any. */
  readonly poolNames?: { readonly avg: string; readonly max: string };
}

export interface BuildOptions {
  /** Side of the square input, in pixels. */
  readonly size: number;
  /** With the classifier of `classes` classes, or without any. */
  readonly includeTop?: boolean;
  readonly classes?: number;
  /** What follows the features of a network without its top: `[n, channels]`. */
  readonly pooling?: 'avg' | 'max' | null;
  /** false starts all weights at zero, which is fast, where others will be loaded. */
  readonly initialize?: boolean;
}

/** A network as a tf.layers model with Keras' layers, names and order. */
export function buildArchitecture(
  { trunk, top, poolNames }: Architecture,
  { size, includeTop = true, classes = 1000, pooling = null, initialize = true }: BuildOptions,
): tf.LayersModel {
  const layers = new KerasLayers(initialize);
  const input = layers.input(size);
  let output = trunk(layers, input);
  if (includeTop) output = top(layers, output, classes);
  else if (pooling === 'avg') output = layers.globalAveragePooling2d(output, poolNames?.avg);
  else if (pooling === 'max') output = layers.globalMaxPooling2d(output, poolNames?.max);
  return tf.model({ inputs: input, outputs: output });
}

/** The top of most networks: global average pooling and one dense layer. */
export function averageAndClassify(poolName?: string): Architecture['top'] {
  return (layers, features, classes) =>
    layers.dense(
      layers.globalAveragePooling2d(features, poolName),
      classes,
      'softmax',
      'predictions',
    );
}
