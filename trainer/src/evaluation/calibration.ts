import type { Predictions } from './evaluate.ts';
import { SMALLEST_PROBABILITY } from './metrics.ts';

/** Beyond these temperatures, predictions are either certain or uniform. */
const [LOWEST, HIGHEST] = [1 / 20, 20];

/** About 1 / variance of the temperature's logarithm: two thirds of the prior lie between 0.6 and 1.6. */
const PRIOR = 5;

/** Enough bisections to find the temperature's logarithm to a millionth. */
const BISECTIONS = 24;

/**
 * Temperature scaling: finds the temperature that, dividing the logits, minimizes the negative
 * log-likelihood, so that confidence matches accuracy. It never changes the order of the predictions.
 *
 * A few images say little, and where all of them are predicted correctly, the likelihood rises without
 * bound as the temperature falls. Therefore this is the maximum a posteriori estimate, under a gamma prior
 * of 1 / temperature with its mode at 1. With thousands of images, the prior is negligible.
 *
 * @param predictions for images that were not trained on
 * @returns 1/20 to 20; above 1 for an overconfident network
 * @see Guo et al., On Calibration of Modern Neural Networks, 2017, §4.2
 */
export function fitTemperature(predictions: Predictions): number {
  const logits = logitsOf(predictions);
  // Loss and prior are convex in 1 / temperature, so their derivative has a single root.
  let [low, high] = [Math.log(1 / HIGHEST), Math.log(1 / LOWEST)];
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    const inverse = Math.exp(middle);
    if (derivative(predictions, logits, inverse) + PRIOR * (1 - 1 / inverse) > 0) high = middle;
    else low = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** The predictions of the same network with its logits divided by `temperature`. */
export function applyTemperature(predictions: Predictions, temperature: number): Predictions {
  const { classes } = predictions;
  const logits = logitsOf(predictions);
  const activate = activationOf(predictions);
  const probabilities = new Float32Array(logits.length);
  for (let begin = 0; begin < logits.length; begin += classes) {
    const end = begin + classes;
    activate(logits.subarray(begin, end), 1 / temperature, probabilities.subarray(begin, end));
  }
  return { ...predictions, probabilities };
}

/** Derivative of the summed negative log-likelihood by 1 / temperature. */
function derivative(predictions: Predictions, logits: Float32Array, inverse: number): number {
  const { classes, labels, targets } = predictions;
  const activate = activationOf(predictions);
  const probabilities = new Float64Array(classes);
  let sum = 0;
  for (const [index, label] of labels.entries()) {
    const begin = index * classes;
    const row = logits.subarray(begin, begin + classes);
    activate(row, inverse, probabilities);
    for (let at = 0; at < classes; at++) sum += (probabilities[at] as number) * (row[at] as number);
    if (!targets) sum -= row[label] as number;
    else
      for (let at = 0; at < classes; at++)
        sum -= (targets[begin + at] as number) * (row[at] as number);
  }
  return sum;
}

/**
 * Logits are the logarithms of the probabilities, up to a constant per row; where an image may have several
 * labels, those of the odds.
 */
function logitsOf({ probabilities, targets }: Predictions): Float32Array {
  const log = (p: number) => Math.log(Math.max(p, SMALLEST_PROBABILITY));
  if (!targets) return probabilities.map(log);
  return probabilities.map((p) => log(p) - Math.log(Math.max(1 - p, SMALLEST_ABSENCE)));
}

/** Half the distance of 1 to the float32 below it. */
const SMALLEST_ABSENCE = 2 ** -25;

function activationOf({ targets }: Predictions): typeof softmax {
  return targets ? sigmoid : softmax;
}

/** Writes the sigmoids of `logits · inverse` into `output`. */
function sigmoid(logits: Float32Array, inverse: number, output: Float32Array | Float64Array): void {
  for (const [at, logit] of logits.entries()) output[at] = 1 / (1 + Math.exp(-logit * inverse));
}

/** Writes the softmax of `logits · inverse` into `output`. */
function softmax(logits: Float32Array, inverse: number, output: Float32Array | Float64Array): void {
  const largest = Math.max(...logits);
  let sum = 0;
  for (let at = 0; at < logits.length; at++) {
    const weight = Math.exp(((logits[at] as number) - largest) * inverse);
    output[at] = weight;
    sum += weight;
  }
  for (let at = 0; at < logits.length; at++) output[at] = (output[at] as number) / sum;
}
