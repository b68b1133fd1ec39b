import * as tf from '@tensorflow/tfjs';
import type { Part } from '../../datasets/split.ts';
import type { Rows } from '../../evaluation/prototypes.ts';
import { drawFrom, type RowsTask, startRows } from '../feature-rows.ts';
import type { GraphModel } from '../graph-builder.ts';
import { cutGraph, headOf } from '../known-score.ts';
import { type Head, readHead, withHead } from './head.ts';

/** With their mirror images, twice as many, other images had as many answers of float32. */
const IMAGES = 1000;

/** The ridge, as a share of the mean variance of a feature: with .1 to 1, other images' answers were as much those in float32. */
const RIDGE = 1;

/** Of conjugate gradients: enough for three digits on 1,280 channels. */
const STEPS = 30;

interface RefitTask extends RowsTask {
  /** The images that the network was trained on. */
  readonly train: Part;
  readonly seed: number;
}

/**
 * Fits the last dense layer to the features that a quantized network computes: to each logit it adds the ridge
 * regression, on these features, of what the training images' logits lack to those in float32. Where all
 * images look alike, as photos of one material do, rounding moves the features by half as much as they differ,
 * and most of it is the same for all, or linear in the features. (Correcting biases by their mean error is
 * Nagel et al. 2019, section 4.2; this is the same with the slope, for one layer.)
 *
 * @param model quantized, without a score of unknown images
 * @param exact the same network in float32
 * @throws the signal's reason
 */
export async function refitHead(
  model: GraphModel,
  exact: GraphModel,
  { train, seed, ...task }: RefitTask,
): Promise<GraphModel> {
  const { logits, features } = headOf(model);
  const images = drawFrom(train, IMAGES, seed);
  const inputs = await outputsOf(cutGraph(model, features), images, task);
  const wanted = await outputsOf(cutGraph(exact, logits), images, {
    ...task,
    arithmetic: 'float32',
  });
  const refitted = withHead(model, await fitKernel(readHead(model), inputs, wanted));
  // The bias is that of the kernel as it is stored.
  return withHead(model, await fitBias(readHead(refitted), inputs, wanted));
}

async function outputsOf(graph: GraphModel, images: Part, task: RowsTask): Promise<Rows> {
  const rowsOf = await startRows(graph, task);
  try {
    return await rowsOf('Quantized head', images);
  } finally {
    rowsOf.dispose();
  }
}

/** Adds the regression to the kernel. */
async function fitKernel(head: Head, inputs: Rows, wanted: Rows): Promise<Head> {
  const kernel = tf.tidy(() => {
    const features = matrixOf(inputs);
    const centred = features.sub(features.mean(0));
    const kernel = kernelOf(head);
    const lacking = matrixOf(wanted).sub(features.matMul(kernel));
    const images = features.shape[0];
    const ridge = centred.square().mean().mul(RIDGE);
    const covarianceTimes = (columns: tf.Tensor) =>
      centred.matMul(centred.matMul(columns), true).div(images).add(columns.mul(ridge));
    return kernel.add(solve(covarianceTimes, centred.matMul(lacking, true).div(images)));
  });
  const values = (await kernel.data()) as Float32Array;
  kernel.dispose();
  return { ...head, kernel: values };
}

/** With this bias the mean logits are those wanted. */
async function fitBias(head: Head, inputs: Rows, wanted: Rows): Promise<Head> {
  const bias = tf.tidy(() =>
    matrixOf(wanted)
      .sub(matrixOf(inputs).matMul(kernelOf(head)))
      .mean(0),
  );
  const values = (await bias.data()) as Float32Array;
  bias.dispose();
  return { ...head, bias: values };
}

/**
 * Solves `times(x) = wanted` for each column, by conjugate gradients.
 *
 * @param times multiplies columns by a positive definite matrix
 */
function solve(times: (columns: tf.Tensor) => tf.Tensor, wanted: tf.Tensor): tf.Tensor {
  /** Where a column lacks nothing, it gets nothing. */
  const ratio = (a: tf.Tensor, b: tf.Tensor) => a.div(b.add(1e-30));
  const squares = (columns: tf.Tensor) => columns.square().sum(0, true);
  let solution = wanted.zerosLike();
  let rest = wanted;
  let direction = wanted;
  for (let step = 0; step < STEPS; step++) {
    const product = times(direction);
    const before = squares(rest);
    const length = ratio(before, direction.mul(product).sum(0, true));
    solution = solution.add(direction.mul(length));
    rest = rest.sub(product.mul(length));
    direction = rest.add(direction.mul(ratio(squares(rest), before)));
  }
  return solution;
}

const matrixOf = ({ width, values }: Rows): tf.Tensor2D =>
  tf.tensor2d(values, [values.length / width, width]);

const kernelOf = ({ channels, classes, kernel }: Head): tf.Tensor2D =>
  tf.tensor2d(kernel, [channels, classes]);
