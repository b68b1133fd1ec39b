import { matchesGlob } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';

/**
 * Truncates a model after one of its layers.
 *
 * @param at the layer's name or, as in Keras, its index from 0, or from −1 backwards
 * @returns a model that shares its layers with the original
 * @throws TrainerError `config_invalid`
 */
export function trimModel(model: tf.LayersModel, at: string | number): tf.LayersModel {
  const layer =
    typeof at === 'number' ? model.layers.at(at) : model.layers.find(({ name }) => name === at);
  if (!layer) {
    throw new TrainerError(
      'config_invalid',
      `Expected the name or index of a layer, −${model.layers.length} to ${model.layers.length - 1}, but got ${at}; summary lists the layers.`,
    );
  }
  return tf.model({ inputs: model.inputs, outputs: layer.output });
}

/**
 * Freezes some layers of a model, and makes the others trainable.
 *
 * @param which number of layers from the first; −n for all but the last n, as in `layers[:-2]`; or
 *   comma-separated names, in which `*` matches anything
 * @throws TrainerError `config_invalid` for a name that no layer has
 */
export function freezeLayers(model: tf.LayersModel, which: number | string): void {
  const frozen = new Set(
    typeof which === 'number'
      ? model.layers.slice(0, which)
      : which.split(',').flatMap((pattern) => layersLike(model, pattern)),
  );
  for (const layer of model.layers) layer.trainable = !frozen.has(layer);
}

function layersLike(model: tf.LayersModel, pattern: string): tf.layers.Layer[] {
  const found = model.layers.filter(({ name }) => matchesGlob(name, pattern));
  if (found.length > 0) return found;
  throw new TrainerError(
    'config_invalid',
    `Expected a number of layers to freeze, or names in which * matches anything, but no layer matches ${pattern}; summary lists the layers.`,
  );
}
