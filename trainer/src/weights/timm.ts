import type * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';

/**
 * Converts the weights of timm's EfficientNet and EfficientNet-Lite to Keras' names and layout.
 *
 * They give Keras' results only if they were trained with TensorFlow's padding ("same",
 * more at the end) and BatchNorm's epsilon of 1e-3: those that timm calls `tf_efficientnet_…`. The
 * others, `efficientnet_b0` and so on, were trained with even padding and 1e-5, and lose accuracy.
 *
 * @returns tensors by `layer/weight`; timm has no `normalization` layer, whose weights stay as they are
 * @throws TrainerError `weights_invalid` naming a tensor that is missing or extra
 * @see https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/efficientnet.py
 */
export function fromTimm(
  tensors: ReadonlyMap<string, NamedTensor>,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
): Map<string, NamedTensor> {
  return fromPyTorch(tensors, layers, withoutTop, timm(layers));
}

/** A PyTorch library's names for the weights of EfficientNet. */
export interface PyTorchNames {
  readonly library: string;
  /** The classifier's layer. */
  readonly classifier: string;
  /** The library's name for Keras' `layer/weight`. */
  nameOf(layer: string, weight: string): string;
}

/** @throws TrainerError `weights_invalid` naming a tensor that is missing or extra */
export function fromPyTorch(
  tensors: ReadonlyMap<string, NamedTensor>,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
  { library, classifier, nameOf }: PyTorchNames,
): Map<string, NamedTensor> {
  const unused = new Set(tensors.keys());
  // BatchNorm's batch counter is no weight of the network.
  for (const name of unused) if (name.endsWith('.num_batches_tracked')) unused.delete(name);
  if (withoutTop) for (const part of ['weight', 'bias']) unused.delete(`${classifier}.${part}`);
  const named = new Map<string, NamedTensor>();
  for (const weight of layers.flatMap((layer) => layer.weights)) {
    const name = weight.originalName;
    if (name.startsWith('normalization/')) {
      named.set(name, {
        shape: weight.shape.map(Number),
        values: weight.read().dataSync() as Float32Array,
      });
      continue;
    }
    const [layer = '', part = ''] = name.split('/');
    const key = `${nameOf(layer, part)}.${WEIGHTS[part] ?? part}`;
    const tensor = tensors.get(key);
    if (!tensor) {
      throw new TrainerError(
        'weights_invalid',
        `The weights lack the tensor ${key}, ${library}'s name for ${name}: they belong to another network.`,
      );
    }
    unused.delete(key);
    named.set(name, toKerasLayout(tensor, name));
  }
  const [extra] = unused;
  if (extra !== undefined) {
    throw new TrainerError(
      'weights_invalid',
      `The weights have a tensor ${extra} that the network lacks: they belong to another network.`,
    );
  }
  return named;
}

/** Whether tensors have timm's names. */
export function isTimm(tensors: ReadonlyMap<string, NamedTensor>): boolean {
  return tensors.has('conv_stem.weight');
}

const WEIGHTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  depthwise_kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

const ENDS: Readonly<Record<string, string>> = {
  stem_conv: 'conv_stem',
  stem_bn: 'bn1',
  top_conv: 'conv_head',
  top_bn: 'bn2',
  predictions: 'classifier',
};

/** The parts of a block with an expansion, and of the first block, which has none. */
const EXPANDED: Readonly<Record<string, string>> = {
  expand_conv: 'conv_pw',
  expand_bn: 'bn1',
  dwconv: 'conv_dw',
  bn: 'bn2',
  se_reduce: 'se.conv_reduce',
  se_expand: 'se.conv_expand',
  project_conv: 'conv_pwl',
  project_bn: 'bn3',
};
const UNEXPANDED: Readonly<Record<string, string>> = {
  ...EXPANDED,
  bn: 'bn1',
  project_conv: 'conv_pw',
  project_bn: 'bn2',
};

/** Converts `block2a_expand_conv` to `blocks.1.0.conv_pw`. */
function timm(layers: readonly tf.layers.Layer[]): PyTorchNames {
  const expanded = new Set(layers.map(({ name }) => name.replace(/_expand_conv$/, '')));
  return {
    library: 'timm',
    classifier: 'classifier',
    nameOf(layer) {
      const place = blockOf(layer);
      if (!place) return ENDS[layer] ?? layer;
      const { block, stage, letter, part } = place;
      const parts = expanded.has(block) ? EXPANDED : UNEXPANDED;
      const repeat = letter.charCodeAt(0) - 'a'.charCodeAt(0);
      return `blocks.${Number(stage) - 1}.${repeat}.${parts[part] ?? part}`;
    },
  };
}

interface PlaceInBlock {
  readonly block: string;
  readonly stage: string;
  readonly letter: string;
  readonly part: string;
}

/** The parts of a name such as `block2a_expand_conv`; undefined for a layer outside blocks. */
export function blockOf(layer: string): PlaceInBlock | undefined {
  const [, block, stage, letter, part] = /^(block(\d+)([a-z]+))_(.+)$/.exec(layer) ?? [];
  return block === undefined ? undefined : ({ block, stage, letter, part } as PlaceInBlock);
}

/**
 * PyTorch's `[out, in, height, width]` as `[height, width, in, out]`, its depthwise
 * `[channels, 1, height, width]` as `[height, width, channels, 1]`, its `[out, in]` transposed.
 */
function toKerasLayout({ shape, values }: NamedTensor, name: string): NamedTensor {
  if (shape.length === 2) return permute(shape, values, [1, 0]);
  if (shape.length !== 4) return { shape, values };
  return permute(shape, values, name.endsWith('/depthwise_kernel') ? [2, 3, 0, 1] : [2, 3, 1, 0]);
}

function permute(
  shape: readonly number[],
  values: Float32Array,
  order: readonly number[],
): NamedTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const newShape = order.map((axis) => shape[axis] as number);
  const newStrides = order.map((axis) => strides[axis] as number);
  const position = new Array<number>(shape.length).fill(0);
  const permuted = new Float32Array(values.length);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    permuted[to] = values[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      from += newStrides[axis] as number;
      if ((position[axis] as number) < (newShape[axis] as number)) break;
      from -= (newStrides[axis] as number) * (newShape[axis] as number);
      position[axis] = 0;
    }
  }
  return { shape: newShape, values: permuted };
}
