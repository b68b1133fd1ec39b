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
 * Freezes the first layers of a model, and sets the others free.
 *
 * @param count how many; a negative number leaves the last so many free, as `layers[:-2]` does
 */
export function freezeLayers(model: tf.LayersModel, count: number): void {
  const frozen = new Set(model.layers.slice(0, count));
  for (const layer of model.layers) layer.trainable = !frozen.has(layer);
}
