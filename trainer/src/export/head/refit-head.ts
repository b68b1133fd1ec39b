import type { Part } from '../../datasets/split.ts';
import { drawFrom, eachRow, type RowsTask, startRows } from '../feature-rows.ts';
import type { GraphModel } from '../graph-builder.ts';
import { cutGraph, headOf } from '../known-score.ts';
import { addTo, combine, dot, meanOf, solverFor } from './covariance.ts';
import { type Head, readHead, withHead } from './head.ts';

/** More of them hardly changed what is fitted. */
const IMAGES = 1000;

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
  const rows = await rowsOf(cutGraph(model, features), images, task);
  const wanted = await rowsOf(cutGraph(exact, logits), images, { ...task, arithmetic: 'float32' });
  const head = readHead(model);
  const { channels, classes, bias } = head;
  const mean = meanOf(rows);
  const residuals = rows.map((row) => combine(row, mean, -1));
  const solve = solverFor(residuals);
  const kernel = head.kernel.slice();
  for (let label = 0; label < classes; label++) {
    const weights = weightsOf(head, label);
    const covariance = new Float64Array(channels);
    for (const [at, residual] of residuals.entries()) {
      const lacks = (wanted[at]?.[label] as number) - dot(weights, rows[at] as Float32Array);
      addTo(covariance, residual, lacks / rows.length);
    }
    addTo(weights, solve(covariance), 1);
    for (const [channel, weight] of weights.entries()) kernel[channel * classes + label] = weight;
  }
  const refitted = withHead(model, { channels, classes, kernel, bias });
  // By the kernel as it is stored.
  const stored = readHead(refitted);
  const means = meanOf(wanted);
  return withHead(model, {
    ...stored,
    bias: bias.map((_, label) => (means[label] as number) - dot(weightsOf(stored, label), mean)),
  });
}

/** The column of a class, `[channels]`. */
function weightsOf({ channels, classes, kernel }: Head, label: number): Float64Array {
  return Float64Array.from(
    { length: channels },
    (_, channel) => kernel[channel * classes + label] as number,
  );
}

async function rowsOf(graph: GraphModel, images: Part, task: RowsTask): Promise<Float32Array[]> {
  const read = await startRows(graph, task);
  try {
    return eachRow(await read('Quantized head', images));
  } finally {
    read.dispose();
  }
}
