import type { Answers } from './evaluate.ts';
import { measure, SMALLEST_PROBABILITY } from './metrics.ts';

/** Beyond these the answers are certain, or know nothing. */
const [COLDEST, HOTTEST] = [1 / 20, 20];

/** Enough to halve their distance, in logarithms, to a millionth. */
const HALVINGS = 24;

/**
 * Finds the temperature by which to divide the logits so that probabilities say how often the
 * network is right: the one of the least negative log-likelihood. It moves no answer from its place.
 *
 * @param answers to pictures that did not train
 * @returns 1/20 to 20; above 1 for a network that is too sure of itself. Where no answer is wrong it
 *   is 1: the likelihood would rise without end as the temperature falls.
 * @see Guo et al., On Calibration of Modern Neural Networks, 2017, §4.2
 */
export function fitTemperature(answers: Answers): number {
  if (measure(answers).top1 === 1) return 1;
  const logits = logitsOf(answers);
  // The loss is convex in 1 / temperature, so its slope has one root.
  let [low, high] = [Math.log(1 / HOTTEST), Math.log(1 / COLDEST)];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (slope(answers, logits, Math.exp(middle)) > 0) high = middle;
    else low = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** The answers of the same network with its logits divided by `temperature`. */
export function applyTemperature(answers: Answers, temperature: number): Answers {
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
function slope({ classes, labels }: Answers, logits: Float32Array, inverse: number): number {
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
function logitsOf({ probabilities }: Answers): Float32Array {
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
