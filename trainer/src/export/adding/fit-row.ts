import type { Rows } from '../../evaluation/prototypes.ts';
import { eachRow } from '../feature-rows.ts';
import type { Head } from '../head/head.ts';
import { type Scores, whiten } from './whitened-scores.ts';
import type { HeadRow } from './widen-head.ts';

/** Images of old classes: a row of features each, and its class. */
export interface LabelledRows {
  readonly features: Rows;
  readonly labels: readonly number[];
}

interface RowTask {
  readonly head: Head;
  /** What the whitening is estimated from. */
  readonly train: LabelledRows;
  /** What the new class must leave to the old ones: images that the network was not trained on. */
  readonly heldOut: LabelledRows;
  /** The mirror images of these, which make twice as many of few. */
  readonly mirrored: LabelledRows;
  /** Features of the new class's photos, two or more. */
  readonly photos: Rows;
}

/** A new class, and what it costs. */
interface FittedRow {
  readonly row: HeadRow;
  /** Photos that are recognized by what is fitted to the others. */
  readonly recognized: number;
  /** Share of the held-out images that it takes from their classes; each is judged by what is fitted to the others. */
  readonly lost: number;
}

/** The share of old images that the new class may take from their own. */
const MOST_LOST = 0.01;

const FOLDS = 10;

/** Of the gamma prior of the scale, whose mode is 1: as for the temperature, five images' worth. */
const PRIOR = 5;

/**
 * Adds a class to a trained dense layer by its prototype, the mean of its photos' features: its score is that of
 * the nearest class mean in the space in which the old classes' features are white (Mensink et al. 2013), which
 * is a linear function. Scale and bias join it with the trained logits. They minimize the cross-entropy of the
 * held-out images and of the photos, each photo scored by the mean of the others, with as much weight for the
 * new class as for an old one. Then the bias is lowered until it takes so few of the held-out images, each with its
 * mirror image, that another one is expected to be taken in a hundredth of the cases, as split conformal prediction has
 * it; of fewer than 199 images that is none. Where a hundredth of the held-out ones was lost instead, checked in folds, 8 of
 * 24 measurements of bench:add-class lost more than a point of others, and not 3.
 *
 * @see Vovk et al. 2005, Algorithmic learning in a random world, section 2.2
 */
export function fitRow({ head, train, heldOut, mirrored, photos }: RowTask): FittedRow {
  const scores = whiten(train, photos);
  const examplesOf = ({ features, labels }: LabelledRows): Example[] =>
    eachRow(features).map((row, at) => {
      const logits = logitsOf(head, row);
      return {
        isNew: false,
        image: at,
        isRight: isRight(logits, labels[at]),
        ...joined(logits, scores.of(row)),
      };
    });
  const old = [heldOut, mirrored].flatMap(examplesOf);
  const left = scores.leftOut.map((score, at): Example => {
    const logits = logitsOf(head, eachRow(photos)[at] as Float32Array);
    return { isNew: true, isRight: false, image: at, ...joined(logits, score) };
  });
  const fitTo = (some: readonly Example[]) => calibrate(some, left, head.classes);
  const join = fitTo(old);
  const taken = [...Array(FOLDS).keys()].flatMap((fold) => {
    const others = fitTo(old.filter(({ image }) => image % FOLDS !== fold));
    const own = old.filter(({ image, isRight }) => image % FOLDS === fold && isRight);
    return own.filter((example) => isTaken(example, others));
  });
  return {
    row: rowOf(head, scores, join),
    recognized: left.filter((example) => isTaken(example, join)).length,
    lost: taken.length / old.length,
  };
}

/** Top-1 of a head, 0–1. */
export function accuracyOf(head: Head, { features, labels }: LabelledRows): number {
  const right = eachRow(features).filter((row, at) => isRight(logitsOf(head, row), labels[at]));
  return right.length / labels.length;
}

function isRight(logits: Float64Array, label: number | undefined): boolean {
  return logits.indexOf(Math.max(...logits)) === label;
}

/** An image, in numbers that the new class's logit, `common + scale · score + bias`, is compared with. */
interface Example {
  readonly isNew: boolean;
  /** The same for an image and its mirror image. */
  readonly image: number;
  /** Whether it is classified rightly without the new class. */
  readonly isRight: boolean;
  readonly score: number;
  /** Mean of the old logits, which softmax leaves free. */
  readonly common: number;
  readonly largest: number;
  /** Logarithm of the sum of the old logits' exponentials. */
  readonly total: number;
}

interface Join {
  readonly scale: number;
  readonly bias: number;
}

function joined(logits: Float64Array, score: number) {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const common = logits.reduce((total, logit) => total + logit, 0) / logits.length;
  return { score, common, largest, total: largest + Math.log(sum) };
}

function logitsOf({ classes, kernel, bias }: Head, features: Float32Array): Float64Array {
  const logits = Float64Array.from(bias);
  for (const [channel, value] of features.entries()) {
    for (let at = 0; at < classes; at++) {
      logits[at] = (logits[at] as number) + value * (kernel[channel * classes + at] as number);
    }
  }
  return logits;
}

function calibrate(old: readonly Example[], photos: readonly Example[], classes: number): Join {
  const weight = old.length / classes / photos.length || 1;
  const examples = [...old, ...photos];
  /** Derivatives of the cross-entropy, which is convex, by scale and bias. */
  const slopes = ({ scale, bias }: Join) => {
    let [byScale, byBias] = [PRIOR * (1 - 1 / scale), 0];
    for (const { isNew, score, common, total } of examples) {
      const probability = 1 / (1 + Math.exp(total - common - scale * score - bias));
      const slope = isNew ? weight * (probability - 1) : probability;
      byScale += slope * score;
      byBias += slope;
    }
    return { byScale, byBias };
  };
  const biasFor = (scale: number) =>
    bisect(-1e3, 1e3, (bias) => slopes({ scale, bias }).byBias > 0);
  const scale = Math.exp(
    bisect(-5, 5, (log) => {
      const scale = Math.exp(log);
      return slopes({ scale, bias: biasFor(scale) }).byScale > 0;
    }),
  );
  const most = largestBias(old, scale);
  return { scale, bias: Math.min(biasFor(scale), most) };
}

/** The largest bias at which no more than {@link MOST_LOST} of other images than the held-out ones are expected to be lost. */
function largestBias(old: readonly Example[], scale: number): number {
  const right = Map.groupBy(
    old.filter(({ isRight }) => isRight),
    ({ image }) => image,
  );
  const marginOf = ({ score, common, largest }: Example) => largest - common - scale * score;
  const margins = [...right.values()]
    .map((views) => Math.min(...views.map(marginOf)))
    .sort((a, b) => a - b);
  const images = new Set(old.map(({ image }) => image)).size;
  const lost = Math.max(0, Math.floor(MOST_LOST * (images + 1)) - 1);
  return margins[lost] ?? Number.POSITIVE_INFINITY;
}

const BISECTIONS = 40;

function bisect(from: number, to: number, isTooHigh: (value: number) => boolean): number {
  let [low, high] = [from, to];
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (isTooHigh(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

function isTaken({ score, common, largest }: Example, { scale, bias }: Join): boolean {
  return common + scale * score + bias > largest;
}

function rowOf({ classes, kernel, bias }: Head, scores: Scores, join: Join): HeadRow {
  const meanOf = (values: Float32Array) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    weights: scores.weights.map(
      (weight, channel) =>
        meanOf(kernel.subarray(channel * classes, (channel + 1) * classes)) + join.scale * weight,
    ),
    bias: meanOf(bias) + join.scale * scores.bias + join.bias,
  };
}
