import * as tf from '@tensorflow/tfjs';
import { weightValues } from './formula.ts';

/**
 * Gives a network the weights of the formula.
 *
 * @param gain of the network's golden file
 * @returns the names and shapes of the weights, in order
 */
export function setFormulaWeights(network: tf.LayersModel, gain: number): string[] {
  const listing: string[] = [];
  for (const layer of network.layers) {
    // It is left to the preprocess spec.
    if (layer.getClassName() === 'Normalization') continue;
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map(({ originalName, shape }) => {
          listing.push(`${originalName}[${shape}]`);
          const sides = shape as number[];
          return tf.tensor(weightValues(originalName, sides, gain), sides);
        }),
      ),
    );
  }
  return listing;
}
