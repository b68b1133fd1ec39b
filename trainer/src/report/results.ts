import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { createRandom, shuffle } from '../config/random.ts';
import type { Part } from '../datasets/split.ts';
import { applyTemperature } from '../evaluation/calibration.ts';
import type { Predictions } from '../evaluation/evaluate.ts';
import { confusionMatrix, measure, topPrediction } from '../evaluation/metrics.ts';
import { toDataUri } from './thumbnail.ts';

const fraction = z.number().min(0).max(1);

const metrics = z.object({
  images: z.int(),
  top1: fraction,
  top5: fraction.nullable(),
  logLoss: z.number(),
  ece: fraction,
  bins: z.array(z.object({ count: z.int(), confidence: fraction, accuracy: fraction })).readonly(),
});

const shownPrediction = z.object({
  /** `data:` URI of the square of the image that the network sees. */
  image: z.string(),
  actual: z.int(),
  predicted: z.int(),
  probability: fraction,
});

/** The content of a run's `results.json`: everything that the report shows of the test images. */
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

/** Fills rows of two, three, four, six and eight. */
const MISTAKES = 24;
/** The article's grid of 5×5. */
const SAMPLE = 25;

/** The predictions for the test images. */
export interface TestRecord {
  /** Of the quantized, calibrated model, as the Worker computes them. */
  readonly served: Predictions;
  /** Of the network before quantization, uncalibrated. */
  readonly float32: Predictions;
  readonly temperature: number;
  /** The test images, in the order of the predictions. */
  readonly images: Part;
  /** Seed of the random sample. */
  readonly seed: number;
}

export async function collectResults({
  served,
  float32,
  temperature,
  images,
  seed,
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
  return {
    quantized: measure(served),
    uncalibrated: measure(applyTemperature(served, 1 / temperature)),
    float32: measure(applyTemperature(float32, temperature)),
    changed: predictions.filter(
      ({ index, predicted }) => predicted !== topPrediction(float32, index).predicted,
    ).length,
    confusion: confusionMatrix(served),
    mistakes: await Promise.all(mistakes.map(show)),
    sample: await Promise.all(sample.map(show)),
  };
}

/** The results' path in a run's folder. */
export function resultsIn(directory: string): string {
  return join(directory, 'results.json');
}

/** @returns null where the run is unfinished */
export async function readResults(directory: string): Promise<Results | null> {
  const text = await readFile(resultsIn(directory), 'utf8').catch(() => null);
  return text === null ? null : results.parse(JSON.parse(text));
}
