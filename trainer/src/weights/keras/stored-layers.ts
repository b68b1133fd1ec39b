import type * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../../errors.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';

/** A layer of a weights file, with its tensors in the order in which Keras stores them. */
export interface StoredLayer {
  readonly name: string;
  readonly tensors: readonly NamedTensor[];
}

/**
 * Gives stored tensors a network's names for them. Layers are paired as Keras pairs them when it
 * loads a file: in order, since Keras numbers unnamed layers anew in each session; but by name
 * where the names are the same.
 *
 * @returns tensors by `layer/weight`, whose shapes are not checked yet
 * @throws TrainerError `weights_invalid` naming a layer or tensor that is missing or extra
 */
export function nameTensors(
  stored: readonly StoredLayer[],
  layers: readonly tf.layers.Layer[],
): Map<string, NamedTensor> {
  const weighted = layers.filter((layer) => layer.weights.length > 0);
  const byName = new Map(stored.map((layer) => [layer.name, layer]));
  const names = new Set(weighted.map(({ name }) => name));
  if (stored.length !== weighted.length) {
    const missing = weighted.find(({ name }) => !byName.has(name));
    const extra = stored.find(({ name }) => !names.has(name));
    const detail =
      stored.length < weighted.length
        ? missing && `it lacks the layer ${missing.name}`
        : extra && `it has a layer ${extra.name} that the network lacks`;
    throw new TrainerError(
      'weights_invalid',
      `Expected the weights of ${weighted.length} layers, but the file has ${stored.length}${detail ? `: ${detail}` : ''}.`,
    );
  }
  const sameNames = weighted.every(({ name }) => byName.has(name));
  return new Map(
    weighted.flatMap((layer, index) => {
      const source = (sameNames ? byName.get(layer.name) : stored[index]) as StoredLayer;
      return nameLayer(layer, source);
    }),
  );
}

/** @throws TrainerError `weights_invalid` when the layer has fewer or more weights */
export function nameLayer(
  layer: tf.layers.Layer,
  { name, tensors }: StoredLayer,
): [string, NamedTensor][] {
  const names = layer.weights.map((weight) => weight.originalName);
  if (tensors.length !== names.length) {
    const missing = names[tensors.length];
    throw new TrainerError(
      'weights_invalid',
      missing === undefined
        ? `Expected ${names.length} tensors for the layer ${layer.name}, but the weights have ${tensors.length} (in ${name}): they belong to another network.`
        : `The weights lack the tensor ${missing}: they belong to another network.`,
    );
  }
  return tensors.map((tensor, index) => [names[index] as string, tensor]);
}

/** Whether a layer is dense: classifiers are, and no trunk has a dense layer. */
export function isDense({ tensors: [kernel] }: StoredLayer): boolean {
  return kernel?.shape.length === 2;
}
