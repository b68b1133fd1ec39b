import * as tf from '@tensorflow/tfjs';
import type { Activation } from '../../plan/steps/activation.ts';
import { GroupedConv2D } from './grouped-conv2d.ts';
import { Normalization, Rescaling } from './image-scaling.ts';
import { LocalResponseNormalization } from './local-response-normalization.ts';

/** A value between layers, `[n, height, width, channels]` or `[n, features]`. */
export type Value = tf.SymbolicTensor;

/** Zeros, or rows and columns, at each side: of rows `[top, bottom]`, of columns `[left, right]`. */
export type Sides = [[number, number], [number, number]];

type InlineActivation = 'linear' | Activation;

interface ConvolutionOptions {
  readonly name?: string;
  readonly strides?: number;
  readonly padding?: 'same' | 'valid';
  readonly useBias?: boolean;
  readonly activation?: InlineActivation;
}

interface PoolOptions {
  readonly name?: string;
  readonly strides: number;
  readonly padding?: 'same' | 'valid';
}

/**
 * Keras' layers with Keras' defaults. A layer without a name gets the one that Keras gives it in
 * a fresh session: `conv2d`, `add`, `add_1`, …
 */
export class KerasLayers {
  readonly #initialize: boolean;
  readonly #counts = new Map<string, number>();

  /** @param initialize false starts all weights at zero, which is fast, where others will be loaded */
  constructor(initialize: boolean) {
    this.#initialize = initialize;
  }

  input(size: number): Value {
    return tf.input({ shape: [size, size, 3], name: this.#name('input_layer') });
  }

  rescaling(x: Value, scale: readonly number[]): Value {
    return this.#apply(new Rescaling({ name: this.#name('rescaling'), scale }), x);
  }

  normalization(x: Value, start: { mean: readonly number[]; variance: readonly number[] }): Value {
    return new Normalization({ name: this.#name('normalization') }, start).apply(x) as Value;
  }

  conv2d(
    x: Value,
    filters: number,
    kernelSize: number,
    options: ConvolutionOptions & { readonly groups?: number } = {},
  ): Value {
    const { groups = 1, ...rest } = options;
    const name = this.#name('conv2d', options.name);
    const kernelInitializer = randomOf(name);
    const layer =
      groups === 1
        ? tf.layers.conv2d({ ...rest, name, filters, kernelSize, kernelInitializer })
        : new GroupedConv2D({
            ...{ strides: 1, padding: 'valid', useBias: true, activation: 'linear' },
            ...{ ...rest, name, filters, kernelSize, groups, kernelInitializer },
          });
    return this.#apply(layer, x);
  }

  depthwiseConv2d(
    x: Value,
    kernelSize: number,
    options: ConvolutionOptions & { readonly name: string },
  ): Value {
    const layer = tf.layers.depthwiseConv2d({
      ...{ ...options, kernelSize },
      depthwiseInitializer: randomOf(options.name),
    });
    return this.#apply(layer, x);
  }

  separableConv2d(
    x: Value,
    filters: number,
    kernelSize: number,
    options: ConvolutionOptions & { readonly name: string },
  ): Value {
    const layer = tf.layers.separableConv2d({
      ...{ ...options, filters, kernelSize },
      // tf.layers initializes the pointwise kernel in the same way.
      depthwiseInitializer: randomOf(options.name),
    });
    return this.#apply(layer, x);
  }

  batchNorm(x: Value, { name, epsilon = 1e-3 }: { name?: string; epsilon?: number } = {}): Value {
    const layer = tf.layers.batchNormalization({
      name: this.#name('batch_normalization', name),
      epsilon,
    });
    // Its initial values cost nothing, and a variance of 0 would not be valid.
    return layer.apply(x) as Value;
  }

  activation(x: Value, activation: 'relu' | 'swish', name?: string): Value {
    return this.#apply(
      tf.layers.activation({ activation, name: this.#name('activation', name) }),
      x,
    );
  }

  relu6(x: Value, name: string): Value {
    return this.#apply(tf.layers.reLU({ name, maxValue: 6 }), x);
  }

  /** @param padding one number for all sides */
  zeroPadding2d(x: Value, padding: number | Sides, name?: string): Value {
    const layer = tf.layers.zeroPadding2d({
      padding: sidesOf(padding),
      name: this.#name('zero_padding2d', name),
    });
    return this.#apply(layer, x);
  }

  cropping2d(x: Value, cropping: Sides): Value {
    return this.#apply(tf.layers.cropping2D({ cropping, name: this.#name('cropping2d') }), x);
  }

  maxPooling2d(x: Value, poolSize: number, { name, ...rest }: PoolOptions): Value {
    const options = { name: this.#name('max_pooling2d', name), poolSize, ...rest };
    return this.#apply(tf.layers.maxPooling2d(options), x);
  }

  averagePooling2d(x: Value, poolSize: number, { name, ...rest }: PoolOptions): Value {
    const options = { name: this.#name('average_pooling2d', name), poolSize, ...rest };
    return this.#apply(tf.layers.averagePooling2d(options), x);
  }

  localResponseNormalization(x: Value, name: string): Value {
    return this.#apply(new LocalResponseNormalization({ name }), x);
  }

  globalAveragePooling2d(x: Value, name?: string): Value {
    const options = { name: this.#name('global_average_pooling2d', name) };
    return this.#apply(tf.layers.globalAveragePooling2d(options), x);
  }

  globalMaxPooling2d(x: Value, name?: string): Value {
    const options = { name: this.#name('global_max_pooling2d', name) };
    return this.#apply(tf.layers.globalMaxPooling2d(options), x);
  }

  add(values: Value[], name?: string): Value {
    return this.#apply(tf.layers.add({ name: this.#name('add', name) }), values);
  }

  multiply(values: Value[], name: string): Value {
    return this.#apply(tf.layers.multiply({ name }), values);
  }

  concatenate(values: Value[], name?: string): Value {
    return this.#apply(tf.layers.concatenate({ name: this.#name('concatenate', name) }), values);
  }

  reshape(x: Value, targetShape: number[], name: string): Value {
    return this.#apply(tf.layers.reshape({ targetShape, name }), x);
  }

  flatten(x: Value, name: string): Value {
    return this.#apply(tf.layers.flatten({ name }), x);
  }

  dropout(x: Value, rate: number, name: string): Value {
    return this.#apply(tf.layers.dropout({ rate, name }), x);
  }

  /** Stochastic depth: drops all units of an example or none. */
  dropExamples(x: Value, rate: number, name: string): Value {
    // tf.layers fills in each null, though its types do not say so.
    const noiseShape = [null, 1, 1, 1] as unknown as number[];
    return this.#apply(tf.layers.dropout({ rate, name, noiseShape }), x);
  }

  dense(x: Value, units: number, activation: InlineActivation | 'softmax', name: string): Value {
    return this.#apply(tf.layers.dense({ units, activation, name }), x);
  }

  /** Keras' names count up from the second layer of a kind on. */
  #name(kind: string, name?: string): string {
    if (name !== undefined) return name;
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  }

  #apply(layer: tf.layers.Layer, x: Value | Value[]): Value {
    layer.setFastWeightInitDuringBuild(!this.#initialize);
    return layer.apply(x) as Value;
  }
}

/**
 * The padding before a convolution of stride 2 with which "valid" computes what "same" would
 * (Keras, `imagenet_utils.correct_pad`).
 */
export function correctPad(x: Value, kernelSize: number): Sides {
  const side = (length: number): [number, number] => {
    const half = Math.floor(kernelSize / 2);
    return [half - (1 - (length % 2)), half];
  };
  return [side(x.shape[1] as number), side(x.shape[2] as number)];
}

function sidesOf(padding: number | Sides): Sides {
  if (typeof padding !== 'number') return padding;
  return [
    [padding, padding],
    [padding, padding],
  ];
}

/**
 * The same random kernel for the same layer each time, so that a resumed run starts from what the
 * first one did.
 *
 * Keras' own default is Glorot's. But BatchNorm is frozen here, and without its help the signal
 * would vanish in a deep network (He et al. 2015, §2.2, the backward case, which also suits a
 * depthwise kernel).
 */
function randomOf(layer: string) {
  const seed = layer
    .split('')
    .reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 2 ** 31, 1);
  return tf.initializers.varianceScaling({
    ...{ scale: 2, mode: 'fanOut', distribution: 'truncatedNormal', seed },
  });
}

/** The channels of a value. */
export function channelsOf(x: Value): number {
  return x.shape.at(-1) as number;
}
