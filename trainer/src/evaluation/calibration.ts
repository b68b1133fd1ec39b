import type { Predictions } from './evaluate.ts';
import { SMALLEST_PROBABILITY } from './metrics.ts';

/** Beyond these the answers are certain, or know nothing. */
const [COLDEST, HOTTEST] = [1 / 20, 20];

/** Near 1, 1 / variance of the logarithm: two of three temperatures lie between 0.6 and 1.6. */
const PRIOR = 5;

/** Enough to halve their distance, in logarithms, to a millionth. */
const HALVINGS = 24;

/**
 * Finds the temperature by which to divide the logits so that probabilities say how often the
 * network is right: the one of the least negative log-likelihood. It moves no answer from its place.
 *
 * A few images say little, and where all of them are right the likelihood rises without end as the
 * temperature falls. So it is the most probable one if, before any image was seen, 1 / temperature
 * had a gamma distribution with its mode at 1 (maximum a posteriori). Among thousands of images that
 * counts for nothing.
 *
 * @param answers to images that did not train
 * @returns 1/20 to 20; above 1 for a network that is too sure of itself
 * @see Guo et al., On Calibration of Modern Neural Networks, 2017, §4.2
 */
export function fitTemperature(answers: Predictions): number {
  const logits = logitsOf(answers);
  // Loss and prior are convex in 1 / temperature, so that their slope has one root.
  let [low, high] = [Math.log(1 / HOTTEST), Math.log(1 / COLDEST)];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    const inverse = Math.exp(middle);
    if (slope(answers, logits, inverse) + PRIOR * (1 - 1 / inverse) > 0) high = middle;
    else low = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** The answers of the same network with its logits divided by `temperature`. */
export function applyTemperature(answers: Predictions, temperature: number): Predictions {
  const { classes } = answers;
  const logits = logitsOf(answers);
  const probabilities = new Float32Array(logits.length);
  for (let begin = 0; begin < logits.length; begin += classes) {
    const end = begin + classes;
    softmax(logits.subarray(begin, end), 1 / temperature, probabilities.subarray(begin, end));
  }
  return { ...answers, probabilities };
}

/** By 1 / temperature, of the sum of the negative log-likelihoods. */
function slope({ classes, labels }: Predictions, logits: Float32Array, inverse: number): number {
  const probabilities = new Float64Array(classes);
  let sum = 0;
  for (const [index, label] of labels.entries()) {
    const row = logits.subarray(index * classes, (index + 1) * classes);
    softmax(row, inverse, probabilities);
    for (let at = 0; at < classes; at++) sum += (probabilities[at] as number) * (row[at] as number);
    sum -= row[label] as number;
  }
  return sum;
}

/** Up to a constant a row, the logarithms of probabilities are the logits. */
function logitsOf({ probabilities }: Predictions): Float32Array {
  return probabilities.map((p) => Math.log(Math.max(p, SMALLEST_PROBABILITY)));
}

/** Of `logits · inverse`, into `target`. */
function softmax(logits: Float32Array, inverse: number, target: Float32Array | Float64Array): void {
  const largest = Math.max(...logits);
  let sum = 0;
  for (let at = 0; at < logits.length; at++) {
    const weight = Math.exp(((logits[at] as number) - largest) * inverse);
    target[at] = weight;
    sum += weight;
  }
  for (let at = 0; at < logits.length; at++) target[at] = (target[at] as number) / sum;
}
