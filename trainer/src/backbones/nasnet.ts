import { type Architecture, averageAndClassify } from './architecture.ts';
import { channelsOf, correctPad, type KerasLayers, type Value } from './layers/keras-layers.ts';

interface NasNetOptions {
  readonly stemFilters: number;
  /** Filters of a normal cell before the first reduction. */
  readonly filters: number;
  /** Normal cells between reductions. */
  readonly cells: number;
  /** Whether the cell after a reduction reads the input of the reduction's predecessor instead of the predecessor's output. */
  readonly skipReduction: boolean;
}

/** A cell's output, and its input, which the next cell reads too. */
type Pair = readonly [output: Value, previous: Value];

/**
 * NASNet-A (Zoph et al. 2018, Figure 4).
 *
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/nasnet.py
 */
export function nasnet({
  stemFilters,
  filters,
  cells,
  skipReduction,
}: NasNetOptions): Architecture {
  return {
    trunk(layers, input) {
      const stem = { name: 'stem_conv1', strides: 2, useBias: false } as const;
      let x = layers.conv2d(input, stemFilters, 3, stem);
      x = layers.batchNorm(x, { name: 'stem_bn1' });
      let previous: Value | undefined;
      [x, previous] = reductionCell(layers, x, previous, filters / 4, 'stem_1');
      [x, previous] = reductionCell(layers, x, previous, filters / 2, 'stem_2');
      for (let stage = 0; stage < 3; stage++) {
        const width = filters * 2 ** stage;
        if (stage > 0) {
          const [reduced, before] = reductionCell(
            layers,
            x,
            previous,
            width,
            `reduce_${stage * cells}`,
          );
          x = reduced;
          if (!skipReduction) previous = before;
        }
        for (let cell = 0; cell < cells; cell++) {
          const id = `${stage * cells + cell + (stage > 0 ? 1 : 0)}`;
          [x, previous] = normalCell(layers, x, previous, width, id);
        }
      }
      return layers.activation(x, 'relu');
    },
    top: averageAndClassify(),
  };
}

function normalCell(
  layers: KerasLayers,
  input: Value,
  previous: Value,
  filters: number,
  id: string,
): Pair {
  const p = adjust(layers, previous, input, filters, id);
  const h = squeeze(layers, input, filters, 'normal', id);
  const separable = (x: Value, kernelSize: number, part: string) =>
    separableBlock(layers, x, filters, kernelSize, 1, `normal_${part}_${id}`);
  const average = (x: Value, part: string) =>
    layers.averagePooling2d(x, 3, { name: `normal_${part}_${id}`, strides: 1, padding: 'same' });
  const add = (a: Value, b: Value, number: number) =>
    layers.add([a, b], `normal_add_${number}_${id}`);
  const x1 = add(separable(h, 5, 'left1'), separable(p, 3, 'right1'), 1);
  const x2 = add(separable(p, 5, 'left2'), separable(p, 3, 'right2'), 2);
  const x3 = add(average(h, 'left3'), p, 3);
  const x4 = add(average(p, 'left4'), average(p, 'right4'), 4);
  const x5 = add(separable(h, 3, 'left5'), h, 5);
  return [layers.concatenate([p, x1, x2, x3, x4, x5], `normal_concat_${id}`), input];
}

function reductionCell(
  layers: KerasLayers,
  input: Value,
  previous: Value | undefined,
  filters: number,
  id: string,
): Pair {
  const p = adjust(layers, previous, input, filters, id);
  const h = squeeze(layers, input, filters, 'reduction', id);
  const padded = layers.zeroPadding2d(h, correctPad(h, 3), `reduction_pad_1_${id}`);
  const separable = (x: Value, kernelSize: number, strides: number, part: string) =>
    separableBlock(layers, x, filters, kernelSize, strides, `reduction_${part}_${id}`);
  const pool = (part: string) => ({ name: `reduction_${part}_${id}`, strides: 2 });
  const x1 = layers.add(
    [separable(h, 5, 2, 'left1'), separable(p, 7, 2, 'right1')],
    `reduction_add_1_${id}`,
  );
  const x2 = layers.add(
    [layers.maxPooling2d(padded, 3, pool('left2')), separable(p, 7, 2, 'right2')],
    `reduction_add_2_${id}`,
  );
  const x3 = layers.add(
    [layers.averagePooling2d(padded, 3, pool('left3')), separable(p, 5, 2, 'right3')],
    `reduction_add3_${id}`,
  );
  const left4 = { name: `reduction_left4_${id}`, strides: 1, padding: 'same' } as const;
  const x4 = layers.add([x2, layers.averagePooling2d(x1, 3, left4)]);
  const x5 = layers.add(
    [separable(x1, 3, 1, 'left4'), layers.maxPooling2d(padded, 3, pool('right5'))],
    `reduction_add4_${id}`,
  );
  return [layers.concatenate([x2, x3, x4, x5], `reduction_concat_${id}`), input];
}

/** Adjusts the previous cell's input to the size and channels of this cell's. */
function adjust(
  layers: KerasLayers,
  previous: Value | undefined,
  input: Value,
  filters: number,
  id: string,
): Value {
  if (!previous) return input;
  const half = { padding: 'same', useBias: false } as const;
  if (previous.shape[2] !== input.shape[2]) {
    const x = layers.activation(previous, 'relu', `adjust_relu_1_${id}`);
    // Two poolings of a single pixel, the second shifted by one, so that no pixel is skipped by both.
    let p1 = layers.averagePooling2d(x, 1, { name: `adjust_avg_pool_1_${id}`, strides: 2 });
    p1 = layers.conv2d(p1, filters / 2, 1, { name: `adjust_conv_1_${id}`, ...half });
    let p2 = layers.zeroPadding2d(x, [
      [0, 1],
      [0, 1],
    ]);
    p2 = layers.cropping2d(p2, [
      [1, 0],
      [1, 0],
    ]);
    p2 = layers.averagePooling2d(p2, 1, { name: `adjust_avg_pool_2_${id}`, strides: 2 });
    p2 = layers.conv2d(p2, filters / 2, 1, { name: `adjust_conv_2_${id}`, ...half });
    return layers.batchNorm(layers.concatenate([p1, p2]), { name: `adjust_bn_${id}` });
  }
  if (channelsOf(previous) === filters) return previous;
  const x = layers.activation(previous, 'relu');
  const y = layers.conv2d(x, filters, 1, { name: `adjust_conv_projection_${id}`, ...half });
  return layers.batchNorm(y, { name: `adjust_bn_${id}` });
}

function squeeze(
  layers: KerasLayers,
  input: Value,
  filters: number,
  cell: 'normal' | 'reduction',
  id: string,
): Value {
  const options = { padding: 'same', useBias: false } as const;
  const x = layers.activation(input, 'relu');
  const y = layers.conv2d(x, filters, 1, { name: `${cell}_conv_1_${id}`, ...options });
  return layers.batchNorm(y, { name: `${cell}_bn_1_${id}` });
}

/** ReLU, separable convolution and BatchNorm, twice; the first may have a stride. */
function separableBlock(
  layers: KerasLayers,
  input: Value,
  filters: number,
  kernelSize: number,
  strides: number,
  id: string,
): Value {
  const useBias = false;
  let x = layers.activation(input, 'relu');
  if (strides === 2) {
    x = layers.zeroPadding2d(x, correctPad(x, kernelSize), `separable_conv_1_pad_${id}`);
  }
  const padding = strides === 2 ? 'valid' : 'same';
  const first = { name: `separable_conv_1_${id}`, strides, padding, useBias } as const;
  x = layers.separableConv2d(x, filters, kernelSize, first);
  x = layers.batchNorm(x, { name: `separable_conv_1_bn_${id}` });
  x = layers.activation(x, 'relu');
  const second = { name: `separable_conv_2_${id}`, padding: 'same', useBias } as const;
  x = layers.separableConv2d(x, filters, kernelSize, second);
  return layers.batchNorm(x, { name: `separable_conv_2_bn_${id}` });
}
