import type * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../../errors.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import { weightsInvalid } from '../weights-invalid.ts';
import { type KerasFileTask, readKerasFile } from './keras-file.ts';
import { isDense, nameLayer, nameTensors, type StoredLayer } from './stored-layers.ts';

/**
 * Reads weights that Keras wrote: the `.h5` of Keras 2 (the files of keras.applications; whole models
 * too), the `.weights.h5` of Keras 3 and its `.keras`. The network may be a layer of another one, as in
 * Keras' guide to transfer learning.
 *
 * @param bytes of the file; they are transferred to another thread
 * @param layers of the network, in Keras' order
 * @param withoutTop ignores the layers of a classifier
 * @returns tensors by the network's names, `layer/weight`
 * @throws TrainerError `weights_invalid` where the file is damaged or belongs to another network
 * @see https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py
 * @see https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
 */
export async function readKerasH5(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  format: KerasFileTask['format'],
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
): Promise<ReadonlyMap<string, NamedTensor>> {
  const file = await readKerasFile(path, bytes, format);
  if (file.kind === 'numbered') return nameNumbered(file.containers, layers, withoutTop);
  const stored = file.layers.filter(
    (layer) => layer.tensors.length > 0 && !(withoutTop && isDense(layer)),
  );
  const found = new Set(stored.map(({ name }) => name));
  if (file.shuffled !== undefined && !weightedNames(layers).every((name) => found.has(name))) {
    throw weightsInvalid(
      path,
      `the network in its layer ${file.shuffled} was partly frozen when it was saved, which changes the order of layers without a name: set trainable to True and save it again, or save it as .keras`,
    );
  }
  return nameTensors(withoutTop ? withoutHead(stored, layers) : stored, layers);
}

function weightedNames(layers: readonly tf.layers.Layer[]): string[] {
  return layers.filter(({ weights }) => weights.length > 0).map(({ name }) => name);
}

/**
 * The layers before those of a classifier, which may have BatchNorm and more: everything after the
 * network's own layers where their names match; otherwise BatchNorm.
 */
function withoutHead(
  stored: readonly StoredLayer[],
  layers: readonly tf.layers.Layer[],
): readonly StoredLayer[] {
  const names = weightedNames(layers);
  const rest = stored.slice(names.length);
  const isTrunk = names.every((name, index) => stored[index]?.name === name);
  return isTrunk || rest.every(isBatchNorm) ? stored.slice(0, names.length) : stored;
}

/** @throws TrainerError `weights_invalid` */
function nameNumbered(
  containers: readonly (readonly StoredLayer[])[],
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
): ReadonlyMap<string, NamedTensor> {
  const stored = new Map<string, StoredLayer>();
  // The network is the largest container, and the classifier around it continues its numbering.
  const [network = [], ...around] = containers.toSorted((a, b) => b.length - a.length);
  for (const layer of withoutTop ? network : [...network, ...around.flat()]) {
    if (withoutTop && isDense(layer)) continue;
    const kind = layer.name.replace(/_\d+$/, '');
    let key = layer.name;
    for (let number = 1; stored.has(key); number++) key = `${kind}_${number}`;
    stored.set(key, layer);
  }
  const named = new Map<string, NamedTensor>();
  for (const [key, layer] of keras3Groups(layers)) {
    const source = stored.get(key) ?? { name: key, tensors: [] };
    for (const [name, tensor] of nameLayer(layer, source)) named.set(name, tensor);
    stored.delete(key);
  }
  const extra = [...stored.values()].find((layer) => !(withoutTop && isBatchNorm(layer)));
  if (extra !== undefined) {
    throw new TrainerError(
      'weights_invalid',
      `The weights have a layer ${extra.name} that the network lacks: they belong to another network.`,
    );
  }
  return named;
}

/** Whether a layer has only vectors, one number a channel: of a classifier's layers, only BatchNorm. */
function isBatchNorm({ tensors }: StoredLayer): boolean {
  return tensors.every(({ shape }) => shape.length === 1);
}

/** The layers with weights, each with the name of its group in files of Keras 3. */
export function keras3Groups(layers: readonly tf.layers.Layer[]): [string, tf.layers.Layer][] {
  const counts = new Map<string, number>();
  const groups: [string, tf.layers.Layer][] = [];
  for (const layer of layers) {
    const kind = snakeCase(layer.getClassName());
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    if (layer.weights.length > 0) groups.push([count === 0 ? kind : `${kind}_${count}`, layer]);
  }
  return groups;
}

/** `DepthwiseConv2D` as `depthwise_conv2d`, as Keras does it; its grouped convolution is `Conv2D`. */
function snakeCase(className: string): string {
  return className
    .replace(/^Grouped/, '')
    .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
