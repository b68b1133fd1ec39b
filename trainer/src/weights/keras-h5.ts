import type * as tf from '@tensorflow/tfjs';
import type { Dataset, File, Group } from 'h5wasm/node';
import { TrainerError } from '../errors.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { isDense, nameLayer, nameTensors, type StoredLayer } from './stored-layers.ts';

/**
 * Reads weights that Keras wrote as HDF5: the `.h5` of Keras 2 (the files of keras.applications;
 * whole models too) and the `.weights.h5` of Keras 3.
 *
 * @param layers of the network, in Keras' order
 * @param withoutTop passes over the classifier's layers
 * @param given what errors call the file
 * @returns tensors by the network's names, `layer/weight`
 * @throws TrainerError `weights_invalid` when the file is damaged or of another network
 * @see https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py
 * @see https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
 */
export async function readKerasH5(
  path: string,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
  given = path,
): Promise<ReadonlyMap<string, NamedTensor>> {
  // 3 MB of WebAssembly, for those who need it.
  const { ready, File } = await import('h5wasm/node');
  const library = await ready;
  // Else what is wrong with a file goes to stderr, and reading goes on.
  library.activate_throwing_error_handler();
  let file: File | undefined;
  try {
    file = new File(path, 'r');
    return readLayers(file, layers, withoutTop, given);
  } catch (cause) {
    if (cause instanceof TrainerError) throw cause;
    throw invalid(given, 'it is damaged or cut short', cause);
  } finally {
    file?.close();
    library.deactivate_throwing_error_handler();
  }
}

function readLayers(
  file: File,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
  path: string,
): ReadonlyMap<string, NamedTensor> {
  const whole = file.get('model_weights');
  const root = isGroup(whole) ? whole : file;
  const names = stringsOf(root, 'layer_names');
  if (names !== undefined) {
    const stored = names
      .map((name) => legacyLayer(root, name, path))
      .filter((layer) => layer.tensors.length > 0 && !(withoutTop && isDense(layer)));
    return nameTensors(stored, layers);
  }
  const group = file.get('layers');
  if (isGroup(group)) return readKeras3(group, layers, withoutTop, path);
  throw invalid(path, 'it has neither the attribute layer_names nor the group layers');
}

function legacyLayer(root: Group, name: string, path: string): StoredLayer {
  const group = groupIn(root, name, path);
  const weights = stringsOf(group, 'weight_names') ?? [];
  return { name, tensors: weights.map((weight) => tensorIn(group, weight, path)) };
}

/**
 * Keras 3 keeps a layer under the name of its class, numbered: `layers/conv2d_3/vars/0`.
 *
 * @throws TrainerError `weights_invalid`
 */
function readKeras3(
  group: Group,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
  path: string,
): ReadonlyMap<string, NamedTensor> {
  const stored = new Map<string, StoredLayer>();
  for (const key of group.keys()) {
    const vars = groupIn(group, `${key}/vars`, path);
    const numbers = vars.keys().sort((a, b) => Number(a) - Number(b));
    const tensors = numbers.map((number) => tensorIn(vars, number, path));
    const layer = { name: key, tensors };
    if (tensors.length > 0 && !(withoutTop && isDense(layer))) stored.set(key, layer);
  }
  const named = new Map<string, NamedTensor>();
  for (const [key, layer] of keras3Groups(layers)) {
    const source = stored.get(key) ?? { name: key, tensors: [] };
    for (const [name, tensor] of nameLayer(layer, source)) named.set(name, tensor);
    stored.delete(key);
  }
  const [extra] = stored.keys();
  if (extra !== undefined) {
    throw new TrainerError(
      'weights_invalid',
      `The weights have a layer ${extra} that the network lacks: they belong to another network.`,
    );
  }
  return named;
}

/** The layers that have weights, each with the name of its group in the files of Keras 3. */
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

/** An attribute of strings, in parts (`name0`, `name1`, …) where it was too long for one. */
function stringsOf(group: Group, name: string): string[] | undefined {
  const { attrs } = group;
  const parts = [];
  if (attrs[name]) parts.push(attrs[name]);
  for (let part = 0; attrs[`${name}${part}`]; part++) parts.push(attrs[`${name}${part}`]);
  if (parts.length === 0) return undefined;
  return parts.flatMap((part) => {
    const value = part?.value;
    // An empty list has no strings, and so is kept as numbers.
    return Array.isArray(value) ? value.map(String) : [];
  });
}

function groupIn(parent: Group, name: string, path: string): Group {
  const group = parent.get(name);
  if (!isGroup(group)) throw invalid(path, `it lacks ${parent.path}/${name}`);
  return group;
}

function tensorIn(group: Group, name: string, path: string): NamedTensor {
  const dataset = group.get(name);
  if (!isDataset(dataset)) throw invalid(path, `it lacks ${group.path}/${name}`);
  const { shape, value } = dataset;
  return { shape: shape ?? [], values: toFloats(value, `${group.path}/${name}`, path) };
}

function toFloats(value: Dataset['value'], name: string, path: string): Float32Array {
  if (value instanceof Float32Array) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return Float32Array.of(Number(value));
  if (ArrayBuffer.isView(value)) {
    return Float32Array.from(value as Float64Array | BigInt64Array, Number);
  }
  throw invalid(path, `the tensor ${name} holds no numbers`);
}

function isGroup(entity: unknown): entity is Group {
  return (entity as Group | null)?.type === 'Group';
}

function isDataset(entity: unknown): entity is Dataset {
  return (entity as Dataset | null)?.type === 'Dataset';
}

function invalid(path: string, reason: string, cause?: unknown): TrainerError {
  return new TrainerError(
    'weights_invalid',
    `Expected a weights file of Keras at ${path}, but ${reason}.`,
    cause,
  );
}
