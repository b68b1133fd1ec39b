import type { Architecture } from './architecture.ts';
import { DEVIATION, MEAN } from './imagenet-statistics.ts';
import { channelsOf, correctPad, type KerasLayers, type Value } from './layers/keras-layers.ts';

/** One row of EfficientNet's Table 1 (Tan & Le 2019). */
interface Stage {
  readonly repeats: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly expansion: number;
  readonly filters: number;
}

const STAGES: readonly Stage[] = [
  { repeats: 1, kernelSize: 3, strides: 1, expansion: 1, filters: 16 },
  { repeats: 2, kernelSize: 3, strides: 2, expansion: 6, filters: 24 },
  { repeats: 2, kernelSize: 5, strides: 2, expansion: 6, filters: 40 },
  { repeats: 3, kernelSize: 3, strides: 2, expansion: 6, filters: 80 },
  { repeats: 3, kernelSize: 5, strides: 1, expansion: 6, filters: 112 },
  { repeats: 4, kernelSize: 5, strides: 2, expansion: 6, filters: 192 },
  { repeats: 1, kernelSize: 3, strides: 1, expansion: 6, filters: 320 },
];

/** Stochastic depth: the rate of skipped blocks rises linearly to this at the last block. */
const DROP_CONNECT = 0.2;

export interface EfficientNetOptions {
  readonly width: number;
  readonly depth: number;
  /** Dropout rate of the features before the classifier. */
  readonly dropout: number;
  /**
   * Lite: no squeeze-and-excitation, ReLU6 for swish, stem, top and the first and last stage
   * unscaled, "same" padding, no scaling of images inside the network, no skipped blocks.
   */
  readonly lite?: boolean;
}

/**
 * EfficientNet, and EfficientNet-Lite with the same layer names.
 *
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/efficientnet.py
 * @see https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
 */
export function efficientnet(options: EfficientNetOptions): Architecture {
  return {
    trunk: (layers, input) => new EfficientNet(options, layers).trunk(input),
    top(layers, features, classes) {
      let x = layers.globalAveragePooling2d(features, 'avg_pool');
      x = layers.dropout(x, options.dropout, 'top_dropout');
      return layers.dense(x, classes, 'softmax', 'predictions');
    },
    poolNames: { avg: 'avg_pool', max: 'max_pool' },
  };
}

/** The parts that the trunk is made of. */
class EfficientNet {
  readonly #lite: boolean;
  readonly #width: number;
  readonly #depth: number;
  readonly #layers: KerasLayers;

  constructor({ lite = false, width, depth }: EfficientNetOptions, layers: KerasLayers) {
    this.#lite = lite;
    this.#width = width;
    this.#depth = depth;
    this.#layers = layers;
  }

  trunk(input: Value): Value {
    let x = this.#lite ? input : scaleImage(this.#layers, input);
    x = this.#convolve(x, this.#lite ? 32 : this.#roundFilters(32), 3, 2, 'stem');
    x = this.#activate(x, 'stem');
    const blocks = STAGES.flatMap((stage, index) =>
      Array.from({ length: this.#repeatsOf(stage, index) }, (_, repeat) => ({
        ...stage,
        name: `block${index + 1}${String.fromCharCode(97 + repeat)}`,
        strides: repeat === 0 ? stage.strides : 1,
        filters: this.#roundFilters(stage.filters),
      })),
    );
    for (const [index, block] of blocks.entries()) {
      x = this.#invertedResidual(x, block, (DROP_CONNECT * index) / blocks.length);
    }
    x = this.#convolve(x, this.#lite ? 1280 : this.#roundFilters(1280), 1, 1, 'top');
    return this.#activate(x, 'top');
  }

  /** Expand, filter each channel, weigh the channels, project (Sandler et al. 2018, Figure 4). */
  #invertedResidual(
    input: Value,
    { name, kernelSize, strides, expansion, filters }: Omit<Stage, 'repeats'> & { name: string },
    dropRate: number,
  ): Value {
    const layers = this.#layers;
    const filtersIn = channelsOf(input);
    let x = input;
    if (expansion !== 1) {
      x = this.#convolve(x, filtersIn * expansion, 1, 1, `${name}_expand`);
      x = this.#activate(x, `${name}_expand`);
    }
    const { padded, padding } = this.#padInFront(x, kernelSize, strides, `${name}_dwconv`);
    x = layers.depthwiseConv2d(padded, kernelSize, {
      ...{ name: `${name}_dwconv`, strides, padding, useBias: false },
    });
    x = this.#activate(layers.batchNorm(x, { name: `${name}_bn` }), name);
    if (!this.#lite) x = squeezeAndExcite(layers, x, name, Math.max(1, Math.floor(filtersIn / 4)));
    x = this.#convolve(x, filters, 1, 1, `${name}_project`);
    if (strides !== 1 || filtersIn !== filters) return x;
    if (!this.#lite && dropRate > 0) x = layers.dropExamples(x, dropRate, `${name}_drop`);
    return layers.add([x, input], `${name}_add`);
  }

  #convolve(x: Value, filters: number, kernelSize: number, strides: number, prefix: string): Value {
    const name = `${prefix}_conv`;
    const { padded, padding } = this.#padInFront(x, kernelSize, strides, name);
    const options = { name, strides, padding, useBias: false };
    return this.#layers.batchNorm(this.#layers.conv2d(padded, filters, kernelSize, options), {
      name: `${prefix}_bn`,
    });
  }

  /** Keras pads in a separate layer before a convolution of stride 2. */
  #padInFront(
    x: Value,
    kernelSize: number,
    strides: number,
    name: string,
  ): { padded: Value; padding: 'same' | 'valid' } {
    if (this.#lite || strides === 1) return { padded: x, padding: 'same' };
    const padded = this.#layers.zeroPadding2d(x, correctPad(x, kernelSize), `${name}_pad`);
    return { padded, padding: 'valid' };
  }

  #activate(x: Value, prefix: string): Value {
    const name = `${prefix}_activation`;
    return this.#lite ? this.#layers.relu6(x, name) : this.#layers.activation(x, 'swish', name);
  }

  #roundFilters(filters: number): number {
    const scaled = filters * this.#width;
    const rounded = Math.max(8, Math.floor(Math.trunc(scaled + 4) / 8) * 8);
    return rounded < 0.9 * scaled ? rounded + 8 : rounded;
  }

  #repeatsOf({ repeats }: Stage, index: number): number {
    const isEnd = index === 0 || index === STAGES.length - 1;
    return this.#lite && isEnd ? repeats : Math.ceil(this.#depth * repeats);
  }
}

/**
 * `(pixel / 255 − mean) / deviation`. Keras' weights hold the deviation as the variance, which a
 * second scaling corrects (keras-team/keras, `efficientnet.py`).
 */
function scaleImage(layers: KerasLayers, input: Value): Value {
  const x = layers.rescaling(input, [1 / 255]);
  const y = layers.normalization(x, { mean: MEAN, variance: DEVIATION });
  return layers.rescaling(
    y,
    DEVIATION.map((deviation) => 1 / Math.sqrt(deviation)),
  );
}

/** Squeeze-and-excitation with swish (Tan & Le 2019, §4). */
function squeezeAndExcite(layers: KerasLayers, x: Value, name: string, reduced: number): Value {
  const channels = channelsOf(x);
  let gate = layers.globalAveragePooling2d(x, `${name}_se_squeeze`);
  gate = layers.reshape(gate, [1, 1, channels], `${name}_se_reshape`);
  const options = { padding: 'same' } as const;
  gate = layers.conv2d(gate, reduced, 1, {
    name: `${name}_se_reduce`,
    activation: 'swish',
    ...options,
  });
  gate = layers.conv2d(gate, channels, 1, {
    name: `${name}_se_expand`,
    activation: 'sigmoid',
    ...options,
  });
  return layers.multiply([x, gate], `${name}_se_excite`);
}
