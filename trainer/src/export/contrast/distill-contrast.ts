import * as tf from '@tensorflow/tfjs';
import { createRandom, type Random } from '../../config/random.ts';
import { clusterDirections, type Rows, unitRows } from '../../evaluation/prototypes.ts';
import { startProgress } from '../../files/progress.ts';
import { Optimizer } from '../../training/optimizer.ts';
import type { Head } from '../head/head.ts';
import type { Contrast, Directions } from './contrast.ts';

const BATCH = 256;
/** Falls to 0 along a line. */
const PEAK_LEARNING_RATE = 2e-3;
/** Of the smooth maximum by which the gradient reaches more than one direction. */
const TEMPERATURE = 0.1;
/** Differences of more than this weigh no more. */
const MAX_DIFFERENCE = 2;
/** Share of a batch that is pushed towards a class of ImageNet, and how far at most, of the features' norm. */
const PUSHED = 0.5;
const MAX_PUSH = 0.6;
/** Of a batch, and how much lower their contrast is to be. */
const OF_NOTHING = { rows: 32, lower: 3 };
/** The directions among which an image that shows a known class is sought. */
const SHARE_OF_KNOWN = 0.45;

export interface DistillTask {
  /** For each class of the classifier whether an image of it is known. */
  readonly isKnown: readonly boolean[];
  /** Features of images, to which the contrast is fitted. */
  readonly features: Rows;
  /** Features of images of nothing, such as noise, whose contrast comes out lower than the classifier's. */
  readonly ofNothing: Rows;
  /** How many directions both sides have together. */
  readonly directions: number;
  readonly steps: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/**
 * Fits a few directions to the difference between a classifier's largest logit of known classes and its largest of
 * the others, which the whole classifier would give in ten times the memory (Hinton et al. 2015 distil probabilities).
 * Images of other classes need not be there: half of each batch is features of the given images that
 * are pushed along the weights of any class.
 */
export async function distillContrast(head: Head, task: DistillTask): Promise<Contrast> {
  const { isKnown, features, ofNothing, directions, steps, signal } = task;
  const random = createRandom(task.seed);
  const sides = [true, false].map((side) => {
    const classes = [...isKnown.keys()].filter((at) => isKnown[at] === side);
    const forKnown = Math.round(directions * SHARE_OF_KNOWN);
    const count = side ? forKnown : directions - forKnown;
    return startSide(head, classes, Math.min(count, classes.length), random);
  }) as [Side, Side];
  const draw = drawFeatures({ features, ofNothing }, sides, random);
  const parameters = sides.flatMap(({ kernel, bias }, side) => [
    { name: `kernel ${side}`, value: kernel },
    { name: `bias ${side}`, value: bias },
  ]);
  const optimizer = new Optimizer(parameters, { weightDecay: 0, beta2: 0.999, ema: 0 });
  const { advance, stop } = startProgress('Contrast to ImageNet', steps);
  try {
    for (let step = 0; step < steps; step++) {
      signal.throwIfAborted();
      const batch = draw();
      const { value, grads } = tf.variableGrads(
        () => differenceOf(batch, sides),
        parameters.map((parameter) => parameter.value),
      );
      const gradients = new Map(
        parameters.map(({ name, value: { name: own } }) => [name, grads[own] as tf.Tensor]),
      );
      optimizer.apply(gradients, PEAK_LEARNING_RATE * (1 - step / steps));
      tf.dispose([batch, value, grads]);
      // Waits for the backend, and lets the event loop see a Ctrl-C.
      if (step % 50 === 49) {
        await sides[0].bias.data();
        advance(50);
      }
    }
    const [known, others] = (await Promise.all(sides.map(read))) as [Directions, Directions];
    return { known, others };
  } finally {
    stop();
    optimizer.dispose();
    draw.dispose();
    for (const side of sides) tf.dispose([...Object.values(side)]);
  }
}

/** One side of the contrast: what it is fitted to, and what is fitted. */
interface Side {
  /** Of the classifier, `[channels, classes]` and `[classes]`. */
  readonly weights: tf.Tensor2D;
  readonly offsets: tf.Tensor1D;
  /** `[channels, directions]` and `[directions]`. */
  readonly kernel: tf.Variable<tf.Rank.R2>;
  readonly bias: tf.Variable<tf.Rank.R1>;
}

/** Clusters of classes are where the directions begin. */
function startSide(head: Head, classes: readonly number[], count: number, random: Random): Side {
  const { channels, kernel, bias } = head;
  // What all classes have in common changes no difference.
  const means = Array.from({ length: channels }, (_, channel) => {
    const row = kernel.subarray(channel * head.classes, (channel + 1) * head.classes);
    return row.reduce((sum, value) => sum + value, 0) / head.classes;
  });
  const values = Float32Array.from({ length: classes.length * channels }, (_, at) => {
    const channel = at % channels;
    const place = channel * head.classes + (classes[Math.floor(at / channels)] as number);
    return (kernel[place] as number) - (means[channel] as number);
  });
  const rows = { width: channels, values };
  const units = unitRows(rows, [...classes.keys()]);
  const centres = clusterDirections(units, count, random);
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / classes.length);
  return tf.tidy(() => ({
    weights: tf.tensor2d(values, [classes.length, channels]).transpose<tf.Tensor2D>(),
    offsets: tf.tensor1d(classes.map((at) => bias[at] as number)),
    kernel: tf.variable(
      tf
        .tensor2d(centres.values, [count, channels])
        .transpose()
        .mul<tf.Tensor2D>(norm / 2),
    ),
    bias: tf.variable(tf.zeros<tf.Rank.R1>([count])),
  }));
}

/** How far the directions' contrast is from the classifier's, over a batch `[n, channels]`. */
function differenceOf(batch: tf.Tensor2D, sides: readonly [Side, Side]): tf.Scalar {
  const [wanted, fitted] = sides.map(({ weights, offsets, kernel, bias }) => [
    tf.matMul(batch, weights).add(offsets).max(1),
    tf.matMul(batch, kernel).add(bias).div(TEMPERATURE).logSumExp(1).mul(TEMPERATURE),
  ]) as [[tf.Tensor, tf.Tensor], [tf.Tensor, tf.Tensor]];
  // Those of nothing come last.
  const lower = tf.concat([tf.zeros([BATCH]), tf.fill([OF_NOTHING.rows], OF_NOTHING.lower)]);
  return tf.losses.huberLoss(
    wanted[0].sub(fitted[0]).sub(lower),
    wanted[1].sub(fitted[1]),
    undefined,
    MAX_DIFFERENCE,
  );
}

/** @returns a function that gives another batch each time, `[n, channels]`, which the caller disposes */
function drawFeatures(
  { features, ofNothing }: Pick<DistillTask, 'features' | 'ofNothing'>,
  sides: readonly Side[],
  random: Random,
) {
  const [all, nothing] = [features, ofNothing].map(({ width, values }) =>
    tf.tensor2d(values, [values.length / width, width]),
  ) as [tf.Tensor2D, tf.Tensor2D];
  const [count] = all.shape;
  const lowest = all.min();
  const norm = tf.tidy(() => all.norm('euclidean', 1).mean());
  const classes = sides.map(({ weights }) =>
    tf.tidy(() => weights.transpose().div(weights.norm('euclidean', 0).expandDims(1))),
  );
  const pushed = Math.round(BATCH * PUSHED);
  const indices = (length: number, below: number) =>
    tf.tensor1d(
      Array.from({ length }, () => random.below(below)),
      'int32',
    );
  const shares = (length: number, from: number, to: number) =>
    tf.tensor2d(
      Array.from({ length }, () => from + (to - from) * random.float()),
      [length, 1],
    );
  const draw = () =>
    tf.tidy(() => {
      const [one, other] = [0, 1].map(() => all.gather(indices(BATCH, count))) as [
        tf.Tensor,
        tf.Tensor,
      ];
      const mixed = one.add(other.sub(one).mul(shares(BATCH, 0, 1)));
      const [moved, stays] = tf.split(mixed, [pushed, BATCH - pushed]) as [tf.Tensor, tf.Tensor];
      // As many towards known classes as towards others.
      const targets = classes.map((rows, side) => {
        const length = side === 0 ? pushed >> 1 : pushed - (pushed >> 1);
        return rows.gather(indices(length, rows.shape[0] as number));
      });
      const towards = tf
        .concat(targets)
        .mul(shares(pushed, 0, MAX_PUSH))
        .mul(norm);
      const away = moved
        .mul(shares(pushed, 0.3, 1))
        .add(towards)
        .maximum(lowest);
      const last = nothing.gather(indices(OF_NOTHING.rows, nothing.shape[0]));
      return tf.concat([away, stays, last]) as tf.Tensor2D;
    });
  return Object.assign(draw, {
    dispose: () => tf.dispose([all, nothing, lowest, norm, ...classes]),
  });
}

async function read({ kernel, bias }: Side): Promise<Directions> {
  const rows = tf.tidy(() => kernel.transpose());
  const values = (await rows.data()) as Float32Array;
  rows.dispose();
  return {
    rows: { width: kernel.shape[0], values: new Float32Array(values) },
    bias: new Float32Array((await bias.data()) as Float32Array),
  };
}
