import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { createRandom, shuffle } from '../config/random.ts';
import { applyTemperature } from '../evaluation/calibration.ts';
import { confusionMatrix, measure, topPrediction } from '../evaluation/metrics.ts';
import { type LabelResults, labelResults } from './label-results.ts';
import { fraction, MISTAKES, reliability, SAMPLE, type TestRecord } from './test-record.ts';
import { toDataUri } from './thumbnail.ts';

const metrics = reliability.extend({
  images: z.int(),
  top1: fraction,
  top5: fraction.nullable(),
});

const shownPrediction = z.object({
  /** `data:` URI of the square of the image that the network sees. */
  image: z.string(),
  actual: z.int(),
  predicted: z.int(),
  probability: fraction,
  /** How much each part of the image adds to the prediction, row by row; of mistakes, where the head has such maps. */
  map: z.optional(z.object({ rows: z.int(), columns: z.int(), values: z.array(z.number()) })),
});

/** The content of a run's `results.json`: everything that the report shows of test images with one label each. */
const results = z.object({
  /** Metrics of the model as served. */
  quantized: metrics,
  /** Metrics of the same model without its temperature. */
  uncalibrated: metrics,
  /** Metrics of the network before quantization, at the same temperature. */
  float32: metrics,
  /** Number of images whose prediction quantization changed. */
  changed: z.int(),
  /** `confusion[actual][predicted]` images. */
  confusion: z.array(z.array(z.int())),
  /** The most confident wrong predictions, most confident first. */
  mistakes: z.array(shownPrediction),
  /** A random sample of predictions. */
  sample: z.array(shownPrediction),
});

export type Results = z.infer<typeof results>;
export type ShownPrediction = z.infer<typeof shownPrediction>;

export async function collectResults({
  served,
  float32,
  temperature,
  images,
  seed,
  explain,
}: TestRecord): Promise<Results> {
  const predictions = [...served.labels.keys()].map((index) => ({
    index,
    actual: served.labels[index] as number,
    ...topPrediction(served, index),
  }));
  const mistakes = predictions
    .filter(({ actual, predicted }) => actual !== predicted)
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, MISTAKES);
  const sample = shuffle(predictions, createRandom(seed)).slice(0, SAMPLE);
  const show = ({ index, ...prediction }: (typeof predictions)[number]): Promise<ShownPrediction> =>
    toDataUri(images, index).then((image) => ({ image, ...prediction }));
  const showWithMap = async (one: (typeof predictions)[number]): Promise<ShownPrediction> => {
    const shown = await show(one);
    if (!explain) return shown;
    const { values, ...shape } = await explain(one.index, one.predicted);
    return { ...shown, map: { ...shape, values: Array.from(values, (v) => Number(v.toFixed(3))) } };
  };
  return {
    quantized: measure(served),
    uncalibrated: measure(applyTemperature(served, 1 / temperature)),
    float32: measure(applyTemperature(float32, temperature)),
    changed: predictions.filter(
      ({ index, predicted }) => predicted !== topPrediction(float32, index).predicted,
    ).length,
    confusion: confusionMatrix(served),
    mistakes: await Promise.all(mistakes.map(showWithMap)),
    sample: await Promise.all(sample.map(show)),
  };
}

export function isLabelResults(of: Results | LabelResults): of is LabelResults {
  return 'multiLabel' in of;
}

/** The results' path in a run's folder. */
export function resultsIn(directory: string): string {
  return join(directory, 'results.json');
}

/** @returns null where the run is unfinished */
export async function readResults(directory: string): Promise<Results | LabelResults | null> {
  const text = await readFile(resultsIn(directory), 'utf8').catch(() => null);
  return text === null ? null : z.union([labelResults, results]).parse(JSON.parse(text));
}
