import type { ModelCard } from 'shared/contract/model-card';
import { applyTemperature } from '../evaluation/calibration.ts';
import type { Predictions } from '../evaluation/evaluate.ts';
import { formatAccuracy } from '../evaluation/format-accuracy.ts';
import {
  chooseThresholds,
  DEFAULT_THRESHOLD,
  isLabelPredictions,
  type LabelPredictions,
} from '../evaluation/label-metrics.ts';
import { formatPercent } from '../files/progress.ts';
import { collectLabelResults, type LabelResults } from '../report/label-results.ts';
import { collectResults, type Results } from '../report/results.ts';
import type { TestRecord } from '../report/test-record.ts';

type Accuracy = ModelCard['accuracy'][number];

/** What the test images say of a model. */
interface Measured {
  /** For the report. */
  readonly results: Results | LabelResults;
  /** For the card. */
  readonly accuracy: Pick<Accuracy, 'measure' | 'images' | 'float32' | 'top5'> & {
    readonly quantized: number;
  };
  readonly multiLabel?: ModelCard['multiLabel'];
  /** For the terminal, as the beginning of a sentence. */
  readonly summary: string;
}

/**
 * Measures a trained model on its test images.
 *
 * @param validation uncalibrated predictions for the validation images; undefined where there are none
 */
export async function measureTrained(
  record: TestRecord,
  validation: Predictions | undefined,
): Promise<Measured> {
  const { served, float32 } = record;
  if (isLabelPredictions(served) && isLabelPredictions(float32)) {
    return measureSeveral({ ...record, served, float32 }, validation);
  }
  const results = await collectResults(record);
  const { quantized } = results;
  const { images, top1, top5 } = quantized;
  return {
    results,
    accuracy: {
      images,
      float32: results.float32.top1,
      quantized: top1,
      ...(top5 === null ? {} : { top5 }),
    },
    summary: `Test accuracy on ${images} images: ${formatPercent(results.float32.top1)} in float32, ${formatAccuracy(quantized)} quantized`,
  };
}

async function measureSeveral(
  record: TestRecord<LabelPredictions>,
  validation: Predictions | undefined,
): Promise<Measured> {
  const { classes } = record.served;
  const calibrated = validation && applyTemperature(validation, record.temperature);
  const isValidated = calibrated !== undefined && isLabelPredictions(calibrated);
  const thresholds = isValidated
    ? chooseThresholds(calibrated)
    : Array<number>(classes).fill(DEFAULT_THRESHOLD);
  const results = await collectLabelResults(record, thresholds);
  const { images, meanAveragePrecision, f1Micro, f1Macro, exactMatch, hamming, labels } =
    results.quantized;
  const float32 = results.float32.meanAveragePrecision;
  return {
    results,
    accuracy: { measure: 'mAP', images, float32, quantized: meanAveragePrecision },
    multiLabel: {
      thresholds,
      images: isValidated ? calibrated.labels.length : 0,
      measured: {
        ...{ f1Micro, f1Macro, exactMatch, hamming },
        averagePrecision: labels.map(({ averagePrecision }) => averagePrecision),
      },
    },
    summary:
      `Mean average precision on ${images} test images: ${formatPercent(float32)} in float32, ${formatPercent(meanAveragePrecision)} quantized; ` +
      `F1 micro ${formatPercent(f1Micro)}, macro ${formatPercent(f1Macro)}; every label right of ${formatPercent(exactMatch)} of the images`,
  };
}
