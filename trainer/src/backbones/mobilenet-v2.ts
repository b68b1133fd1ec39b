import { type Architecture, averageAndClassify } from './architecture.ts';
import { channelsOf, correctPad, type KerasLayers, type Value } from './layers/keras-layers.ts';

/** Of each inverted residual, in order: filters and strides. */
const BLOCKS: readonly (readonly [filters: number, strides: number])[] = [
  ...[[16, 1] as const],
  ...([
    [24, 2],
    [24, 1],
  ] as const),
  ...([
    [32, 2],
    [32, 1],
    [32, 1],
  ] as const),
  ...([
    [64, 2],
    [64, 1],
    [64, 1],
    [64, 1],
  ] as const),
  ...([
    [96, 1],
    [96, 1],
    [96, 1],
  ] as const),
  ...([
    [160, 2],
    [160, 1],
    [160, 1],
  ] as const),
  ...[[320, 1] as const],
];

/**
 * MobileNetV2 of width 1 (Sandler et al. 2018, Table 2).
 *
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/mobilenet_v2.py
 */
export const mobilenetV2: Architecture = {
  trunk(layers, input) {
    const stem = { name: 'Conv1', strides: 2, padding: 'same', useBias: false } as const;
    let x = layers.conv2d(input, 32, 3, stem);
    x = layers.relu6(layers.batchNorm(x, { name: 'bn_Conv1' }), 'Conv1_relu');
    for (const [index, [filters, strides]] of BLOCKS.entries()) {
      x = block(layers, x, index, filters, strides);
    }
    x = layers.conv2d(x, 1280, 1, { name: 'Conv_1', useBias: false });
    return layers.relu6(layers.batchNorm(x, { name: 'Conv_1_bn' }), 'out_relu');
  },
  top: averageAndClassify(),
};

/** An inverted residual (Sandler et al. 2018, Figure 4): expand, filter each channel, project. */
function block(
  layers: KerasLayers,
  input: Value,
  index: number,
  filters: number,
  strides: number,
): Value {
  const prefix = index === 0 ? 'expanded_conv_' : `block_${index}_`;
  const useBias = false;
  let x = input;
  if (index > 0) {
    const expand = { name: `${prefix}expand`, padding: 'same', useBias } as const;
    x = layers.conv2d(x, 6 * channelsOf(input), 1, expand);
    x = layers.relu6(layers.batchNorm(x, { name: `${prefix}expand_BN` }), `${prefix}expand_relu`);
  }
  if (strides === 2) x = layers.zeroPadding2d(x, correctPad(x, 3), `${prefix}pad`);
  const padding = strides === 2 ? 'valid' : 'same';
  x = layers.depthwiseConv2d(x, 3, { name: `${prefix}depthwise`, strides, padding, useBias });
  x = layers.batchNorm(x, { name: `${prefix}depthwise_BN` });
  x = layers.relu6(x, `${prefix}depthwise_relu`);
  x = layers.conv2d(x, filters, 1, { name: `${prefix}project`, padding: 'same', useBias });
  x = layers.batchNorm(x, { name: `${prefix}project_BN` });
  const isResidual = strides === 1 && channelsOf(input) === filters;
  return isResidual ? layers.add([input, x], `${prefix}add`) : x;
}
