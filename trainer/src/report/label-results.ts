import * as z from 'zod';
import { createRandom, shuffle } from '../config/random.ts';
import { applyTemperature } from '../evaluation/calibration.ts';
import { type LabelPredictions, measureLabels } from '../evaluation/label-metrics.ts';
import { measureReliability } from '../evaluation/metrics.ts';
import { fraction, MISTAKES, reliability, SAMPLE, type TestRecord } from './test-record.ts';
import { toDataUri } from './thumbnail.ts';

const labelScore = z.object({
  images: z.int(),
  averagePrecision: fraction.nullable(),
  precision: fraction,
  recall: fraction,
  f1: fraction,
});

const labelMetrics = reliability.extend({
  images: z.int(),
  meanAveragePrecision: fraction,
  f1Micro: fraction,
  f1Macro: fraction,
  exactMatch: fraction,
  hamming: fraction,
  labels: z.array(labelScore).readonly(),
});

const shownLabels = z.object({
  /** `data:` URI of the square of the image that the network sees. */
  image: z.string(),
  /** Labels of the image, and those predicted. */
  actual: z.array(z.int()),
  predicted: z.array(z.int()),
});

/** What the report shows of the test images where an image may have several labels. */
export const labelResults = z.object({
  multiLabel: z.literal(true),
  /** From which probability on an image has each label. */
  thresholds: z.array(fraction),
  /** Metrics of the model as served. */
  quantized: labelMetrics,
  /** Reliability of the same model without its temperature. */
  uncalibrated: reliability,
  /** Metrics of the network before quantization, at the same temperature. */
  float32: labelMetrics,
  /** Number of images of which quantization changed a label. */
  changed: z.int(),
  /** The images with the most confident wrong labels, the worst first. */
  mistakes: z.array(shownLabels),
  /** A random sample of predictions. */
  sample: z.array(shownLabels),
});

export type LabelResults = z.infer<typeof labelResults>;
export type ShownLabels = z.infer<typeof shownLabels>;

export async function collectLabelResults(
  { served, float32, temperature, images, seed }: TestRecord<LabelPredictions>,
  thresholds: readonly number[],
): Promise<LabelResults> {
  const calibrated = applyTemperature(float32, temperature) as LabelPredictions;
  const uncalibrated = applyTemperature(served, 1 / temperature) as LabelPredictions;
  const all = [...served.labels.keys()].map((index) => ({
    index,
    ...labelsAt(served, index, thresholds),
  }));
  const mistakes = all
    .filter(({ error }) => error > 0)
    .sort((a, b) => b.error - a.error || a.index - b.index)
    .slice(0, MISTAKES);
  const sample = shuffle(all, createRandom(seed)).slice(0, SAMPLE);
  const show = async ({ index, actual, predicted }: (typeof all)[number]) => ({
    image: await toDataUri(images, index),
    actual,
    predicted,
  });
  return {
    multiLabel: true,
    thresholds: [...thresholds],
    quantized: measureLabels(served, thresholds),
    uncalibrated: measureReliability(uncalibrated),
    float32: measureLabels(calibrated, thresholds),
    changed: all.filter(
      ({ index, predicted }) =>
        `${labelsAt(calibrated, index, thresholds).predicted}` !== `${predicted}`,
    ).length,
    mistakes: await Promise.all(mistakes.map(show)),
    sample: await Promise.all(sample.map(show)),
  };
}

/** An image's labels, those predicted, and how far the most confident wrong one is on the wrong side of its threshold. */
function labelsAt(
  { classes, probabilities, targets }: LabelPredictions,
  index: number,
  thresholds: readonly number[],
): { actual: number[]; predicted: number[]; error: number } {
  const actual: number[] = [];
  const predicted: number[] = [];
  let error = 0;
  for (const [label, threshold] of thresholds.entries()) {
    const at = index * classes + label;
    const probability = probabilities[at] as number;
    const [isActual, isPredicted] = [targets[at] === 1, probability >= threshold];
    if (isActual) actual.push(label);
    if (isPredicted) predicted.push(label);
    if (isActual !== isPredicted) error = Math.max(error, Math.abs(probability - threshold), 1e-9);
  }
  return { actual, predicted, error };
}
