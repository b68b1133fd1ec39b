import * as tf from '@tensorflow/tfjs';
import { createRandom, shuffle } from '../config/random.ts';
import type { StageConfig } from '../config/train-config.ts';
import { type BatchSource, targetsOf } from '../data/batches.ts';
import { lossOf, sigmoidCrossEntropy, softmaxCrossEntropy } from '../plan/loss.ts';
import { type Plan, parametersOf } from '../plan/plan.ts';
import { classWeightsOf } from './fit.ts';
import { minimize } from './minimize.ts';

/** Inverse strengths of the penalty, as scikit-learn's `C`, strongest penalty first. */
const STRENGTHS = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1];
const FOLDS = 5;
const ALL_FOLDS = [...Array(FOLDS).keys()];
/** Fits of a fold only rank the strengths. */
const IN_FOLDS = { iterations: 50, tolerance: 1e-3 };
const AT_LAST = { iterations: 300, tolerance: 1e-5 };

export interface SolveOptions {
  /** The head of a network: dropout, and one dense layer with softmax or sigmoid. */
  readonly head: Plan;
  /** Features, `[n, channels]`. */
  readonly source: BatchSource;
  readonly classes: number;
  readonly config: Pick<StageConfig, 'classWeights'>;
  /** Of the folds. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Standardized features with their classes. */
interface Examples {
  /** `[n, channels]` */
  readonly features: tf.Tensor2D;
  /** `[n, classes]`, as `targetsOf` gives them. */
  readonly targets: tf.Tensor2D;
  /** Mean loss of logits for targets. */
  readonly lossFrom: ReturnType<typeof lossOf>;
}

/**
 * Solves a linear head exactly, by L-BFGS: multinomial logistic regression (of several labels, a regression
 * each) on standardized features with a penalty on the kernel's squares, whose strength has the lowest loss
 * in cross-validation. The standardization is then folded into the kernel and the bias, so that the head reads features as they are.
 *
 * @returns the strength chosen, and the mean loss of the examples with it
 * @throws the signal's reason
 */
export async function solveHead({
  head,
  source,
  classes,
  config,
  seed,
  signal,
}: SolveOptions): Promise<{ strength: number; loss: number }> {
  const weights = classWeightsOf({ config, source, classes });
  const task = { source, classes, weights, lossFrom: lossOf(head, weights) };
  const { examples, mean, scale } = await standardize(task);
  const strength = await chooseStrength(examples, drawFolds(source, seed), signal);
  const solution = await minimize(slopeOf(examples, strength), zeros(examples), AT_LAST);
  const { value: loss } = await slopeOf(examples, Infinity)(solution);
  assign(head, solution, { mean, scale });
  tf.dispose([examples.features, examples.targets, mean, scale]);
  return { strength, loss };
}

/**
 * Predicts every example by a head that has not learned from it: in cross-validation, with the strength of
 * the penalty that has the lowest loss.
 *
 * @returns probabilities `[n, classes]` in row-major order
 * @throws the signal's reason
 */
export async function crossValidateHead({
  source,
  classes,
  seed,
  signal,
}: Pick<SolveOptions, 'source' | 'classes' | 'seed' | 'signal'>): Promise<Float32Array> {
  const lossFrom = source.labels ? sigmoidCrossEntropy : softmaxCrossEntropy;
  const activate = source.labels ? tf.sigmoid : tf.softmax;
  const { examples, mean, scale } = await standardize({ source, classes, lossFrom });
  const foldOf = drawFolds(source, seed);
  // One fold is enough to rank the strengths, and takes a fifth of the time.
  const strength = await chooseStrength(examples, foldOf, signal, [0]);
  const probabilities = new Float32Array(source.length * classes);
  await eachFold(examples, foldOf, ALL_FOLDS, async ({ train, heldOut, heldOutIndices }) => {
    signal.throwIfAborted();
    const solution = await minimize(slopeOf(train, strength), zeros(train), IN_FOLDS);
    const outputs = tf.tidy(() => activate(logitsOf(heldOut.features, solution, classes)));
    const rows = await outputs.data<'float32'>();
    outputs.dispose();
    for (const [at, index] of heldOutIndices.entries()) {
      probabilities.set(rows.subarray(at * classes, (at + 1) * classes), index * classes);
    }
  });
  tf.dispose([examples.features, examples.targets, mean, scale]);
  return probabilities;
}

async function standardize({
  source,
  classes,
  weights,
  lossFrom,
}: Pick<SolveOptions, 'source' | 'classes'> & {
  readonly weights?: readonly number[] | undefined;
  readonly lossFrom: Examples['lossFrom'];
}) {
  const all = Array.from({ length: source.length }, (_, index) => index);
  const features = (await source.inputs(all, createRandom(0))) as tf.Tensor2D;
  const { mean, scale } = standardization(features);
  const examples: Examples = {
    features: tf.tidy(() => features.sub<tf.Tensor2D>(mean).mul<tf.Tensor2D>(scale)),
    targets: targetsOf(source, all, classes, 0, weights),
    lossFrom,
  };
  features.dispose();
  return { examples, mean, scale };
}

/** @returns the strength with the lowest loss in cross-validation */
async function chooseStrength(
  examples: Examples,
  foldOf: readonly number[],
  signal: AbortSignal,
  folds: readonly number[] = ALL_FOLDS,
): Promise<number> {
  const losses = new Map(STRENGTHS.map((strength) => [strength, 0]));
  await eachFold(examples, foldOf, folds, async ({ train, heldOut }) => {
    let solution = zeros(train);
    for (const strength of STRENGTHS) {
      signal.throwIfAborted();
      // Each solution is the start of the next, which is weaker penalized.
      solution = await minimize(slopeOf(train, strength), solution, IN_FOLDS);
      const { value } = await slopeOf(heldOut, Infinity)(solution);
      const rows = heldOut.features.shape[0];
      losses.set(strength, (losses.get(strength) as number) + value * rows);
    }
  });
  const [strength] = [...losses].sort(([, a], [, b]) => a - b)[0] as [number, number];
  return strength;
}

interface Fold {
  readonly train: Examples;
  readonly heldOut: Examples;
  readonly heldOutIndices: readonly number[];
}

/** Disposes of a fold's tensors after its work. */
async function eachFold(
  examples: Examples,
  foldOf: readonly number[],
  folds: readonly number[],
  work: (fold: Fold) => Promise<void>,
): Promise<void> {
  for (const fold of folds) {
    if (!foldOf.includes(fold)) continue;
    const indicesOf = (isHeldOut: boolean) =>
      [...foldOf.keys()].filter((index) => (foldOf[index] === fold) === isHeldOut);
    const heldOutIndices = indicesOf(true);
    const [train, heldOut] = [someOf(examples, indicesOf(false)), someOf(examples, heldOutIndices)];
    try {
      await work({ train, heldOut, heldOutIndices });
    } finally {
      for (const { features, targets } of [train, heldOut]) tf.dispose([features, targets]);
    }
  }
}

/**
 * Mean of each feature, and a scale near the reciprocal of its standard deviation.
 *
 * The deviations are damped by their own mean. Without it, features that are hardly ever active get weights
 * so large that 8 bits cannot hold the others beside them, and noise that costs 3 points of accuracy (hand
 * signs, 11 a class).
 */
function standardization(features: tf.Tensor2D): { mean: tf.Tensor1D; scale: tf.Tensor1D } {
  return tf.tidy(() => {
    const { mean, variance } = tf.moments(features, 0);
    const typical = variance.sqrt().mean();
    const scale = variance.add(typical.square()).sqrt().reciprocal();
    return { mean: mean as tf.Tensor1D, scale: scale as tf.Tensor1D };
  });
}

function someOf({ features, targets, lossFrom }: Examples, indices: readonly number[]): Examples {
  const rows = tf.tensor1d([...indices], 'int32');
  const some = { features: features.gather(rows), targets: targets.gather(rows), lossFrom };
  rows.dispose();
  return some;
}

/** A fold for each example, so that every class is spread evenly over the folds. */
function drawFolds(source: BatchSource, seed: number): number[] {
  const folds: number[] = Array(source.length);
  const seen = new Map<number, number>();
  for (const index of shuffle(Array(source.length).keys(), createRandom(seed))) {
    const label = source.label(index);
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    // Classes begin at different folds, so that small ones do not all miss the last.
    folds[index] = (before + label) % FOLDS;
  }
  return folds;
}

function zeros({ features, targets }: Examples): Float64Array {
  return new Float64Array((features.shape[1] + 1) * targets.shape[1]);
}

/**
 * The penalized mean loss of examples as a function of kernel and bias, `(channels + 1) × classes`
 * in row-major order with the bias last.
 *
 * @param strength `C`: the penalty is `½ ‖kernel‖² / (C · n)`
 */
function slopeOf({ features, targets, lossFrom }: Examples, strength: number) {
  const [rows, channels] = features.shape;
  const classes = targets.shape[1];
  const penalty = 1 / (strength * rows);
  const size = channels * classes;
  return async (at: Float64Array) => {
    const results = tf.tidy(() => {
      const { loss, logits: residual } = lossFrom(logitsOf(features, at, classes), targets);
      return [tf.matMul(features, residual, true), residual.sum(0), loss];
    });
    const [byKernel, byBias, loss] = await Promise.all(
      results.map((result) => result.data<'float32'>()),
    );
    tf.dispose(results);
    const gradient = new Float64Array(at.length);
    gradient.set(byKernel as Float32Array);
    gradient.set(byBias as Float32Array, size);
    let squares = 0;
    for (let index = 0; index < size; index++) {
      const weight = at[index] as number;
      squares += weight * weight;
      gradient[index] = (gradient[index] as number) + penalty * weight;
    }
    return { value: (loss?.[0] as number) + (penalty * squares) / 2, gradient };
  };
}

/** @param at kernel and bias, as `slopeOf` takes them */
function logitsOf(features: tf.Tensor2D, at: Float64Array, classes: number): tf.Tensor2D {
  const channels = features.shape[1];
  const size = channels * classes;
  const kernel = tf.tensor2d(Float32Array.from(at.subarray(0, size)), [channels, classes]);
  return features.matMul(kernel).add(tf.tensor1d(Float32Array.from(at.subarray(size))));
}

/** Folds the standardization into the solution: `(x − mean) · scale · k + b = x · (scale · k) + b − mean · (scale · k)`. */
function assign(
  head: Plan,
  solution: Float64Array,
  { mean, scale }: { readonly mean: tf.Tensor1D; readonly scale: tf.Tensor1D },
): void {
  const [kernel, bias, ...others] = parametersOf(head).map(({ value }) => value);
  if (!kernel || !bias || others.length > 0) {
    throw new Error('Only a head of one dense layer can be solved.');
  }
  tf.tidy(() => {
    const solved = tf.tensor2d(Float32Array.from(solution.subarray(0, kernel.size)), [
      kernel.shape[0] as number,
      kernel.shape[1] as number,
    ]);
    const scaled = solved.mul<tf.Tensor2D>(scale.expandDims(1));
    kernel.assign(scaled);
    const shift = tf.matMul(mean.expandDims<tf.Tensor2D>(0), scaled).flatten();
    bias.assign(tf.tensor1d(Float32Array.from(solution.subarray(kernel.size))).sub(shift));
  });
}
