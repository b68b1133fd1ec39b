import { matchesGlob } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';

/**
 * Ends a model at one of its layers.
 *
 * @param at the layer's name, or its number as Keras counts, from 0, or from the end from −1
 * @returns a model that shares its layers with the first
 * @throws TrainerError `config_invalid`
 */
export function trimModel(model: tf.LayersModel, at: string | number): tf.LayersModel {
  const layer =
    typeof at === 'number' ? model.layers.at(at) : model.layers.find(({ name }) => name === at);
  if (!layer) {
    throw new TrainerError(
      'config_invalid',
      `Expected a layer by its name or its number, −${model.layers.length} to ${model.layers.length - 1}, but there is none at ${at}; summary lists them.`,
    );
  }
  return tf.model({ inputs: model.inputs, outputs: layer.output });
}

/**
 * Freezes layers of a model, and sets the others free.
 *
 * @param which how many from the first; a negative number leaves the last so many free, as
 *   `layers[:-2]` does; or names with commas between, in which `*` stands for anything
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
    `Expected a number, or names of layers in which * stands for anything, to freeze, but no layer is called ${pattern}; summary lists them.`,
  );
}
