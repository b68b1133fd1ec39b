import type { ModelCard } from 'shared/contract/model-card';
import { trainConfig } from '../config/train-config.ts';
import { imageBatches } from '../data/batches.ts';
import type { Dataset } from '../datasets/dataset.ts';
import type { FolderMeaning } from '../datasets/folders/find-splits.ts';
import { labelOf } from '../datasets/folders/folder-reader.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { type Part, splitDataset, whole } from '../datasets/split.ts';
import { TrainerError } from '../errors.ts';
import { listNames } from '../files/list-names.ts';
import { formatPercent, startProgress } from '../files/progress.ts';
import { loadModel } from '../models/load-model.ts';
import { evaluate } from './evaluate.ts';
import { formatAccuracy } from './format-accuracy.ts';
import {
  type ClassMetrics,
  confusionMatrix,
  type Metrics,
  measure,
  metricsByClass,
} from './metrics.ts';

export interface EvaluationTask {
  /** Name or path of the data set, of which a folder's classes are named by the model's labels or synset ids; null for CIFAR-10. */
  readonly data: string | null;
  /** Fail at a file that is no image. */
  readonly strict: boolean;
  /** What the folders in a folder of photos are; undefined: as their names say. */
  readonly folders?: FolderMeaning | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** How good a model is on some images. */
export interface Evaluation extends Metrics {
  readonly model: { readonly id: string; readonly version: string; readonly title: string };
  readonly dataset: string;
  /** `test`, what the training had `held out`, or `all` images. */
  readonly split: 'test' | 'held out' | 'all';
  readonly classes: readonly (ClassMetrics & { readonly label: string })[];
  /** Mean of the F1 of the classes that have images, 0–1: a rare class counts as much as a frequent one. */
  readonly macroF1: number;
  /** Mean of their recall, 0–1 (Brodersen et al. 2010). */
  readonly balancedAccuracy: number;
}

/**
 * Measures a model directory, as the Worker runs it, on images that have classes: those of a test
 * folder, or those that its training held out of the same data, or else all.
 *
 * @throws TrainerError `model_invalid`, `dataset_invalid`
 */
export async function evaluateModel(
  directory: string,
  options: EvaluationTask,
): Promise<Evaluation> {
  const { card, version, ...network } = await loadModel(directory);
  try {
    const { size } = card.preprocess;
    const dataset = await openDataset(options.data, {
      ...options,
      purpose: 'measuring',
      size,
      startProgress,
    });
    const classOf = matchLabels(dataset, card);
    const { part, split } = chooseImages(dataset, card);
    requireImages(part, dataset, card);
    const source = imageBatches(part, card.preprocess);
    const answers = await evaluate(
      network.run,
      { ...source, label: (index) => classOf[source.label(index)] as number },
      { progress: startProgress('Evaluation', source.length), signal: options.signal },
    );
    const classes = metricsByClass(confusionMatrix(answers)).map((metrics, index) => ({
      label: card.labels[index]?.name as string,
      ...metrics,
    }));
    return {
      model: { id: card.id, version, title: card.title },
      dataset: dataset.title,
      split,
      ...measure(answers),
      classes,
      ...averagesOf(classes.filter(({ images }) => images > 0)),
    };
  } finally {
    network.dispose();
  }
}

function averagesOf(
  classes: readonly ClassMetrics[],
): Pick<Evaluation, 'macroF1' | 'balancedAccuracy'> {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    macroF1: mean(classes.map(({ f1 }) => f1)),
    balancedAccuracy: mean(classes.map(({ recall }) => recall)),
  };
}

/** @throws TrainerError `dataset_invalid` where there is nothing to measure on */
export function requireImages(part: Part, { title }: Dataset, { id }: ModelCard): void {
  if (part.indices.length > 0) return;
  throw new TrainerError(
    'dataset_invalid',
    `Expected images in class folders to measure ${id} on, but ${title} has none that can be read.`,
  );
}

/** @returns the model's class of each of the data set's */
export function matchLabels(dataset: Dataset, card: ModelCard): number[] {
  return dataset.labels.map((label) => {
    const index = card.labels.findIndex(
      ({ name, synset }) => labelOf(name) === label || synset === label,
    );
    if (index >= 0) return index;
    const some = card.labels.slice(0, 5).map(({ name }) => name);
    throw new TrainerError(
      'dataset_invalid',
      `Expected class folders named by the labels of ${card.id} (${some.join(', ')}${card.labels.length > 5 ? ', …' : ''}) or their synset ids, but ${dataset.title} has a class ${label}.`,
    );
  });
}

/** The images that say most about a model: a test folder, those that its training held out, or all. */
export function chooseImages(
  dataset: Dataset,
  card: ModelCard,
): { part: Part; split: Evaluation['split'] } {
  if (dataset.test) return { part: whole(dataset.test), split: 'test' };
  const config = trainConfig.safeParse(card.training?.config);
  // One image more or less, and others would be held out, some of which have trained.
  if (config.success && card.training?.data?.hash === dataset.hash) {
    return { part: splitDataset(dataset, config.data).test, split: 'held out' };
  }
  const all = dataset.train.length > 0 ? dataset.train : (dataset.validation ?? dataset.train);
  return { part: whole(all), split: 'all' };
}

/** A table for the terminal; classes without images are named below it. */
export function formatEvaluation(evaluation: Evaluation): string {
  const { model, dataset, split, images, top5, logLoss, ece } = evaluation;
  const which = {
    test: 'its test images',
    'held out': 'those that the training had held out',
    all: 'all its images, also what the model may have trained on',
  }[split];
  const figures = [
    `top-1 ${formatAccuracy(evaluation)}`,
    ...(top5 === null ? [] : [`top-5 ${formatPercent(top5)}`]),
    `log loss ${logLoss.toFixed(4)}`,
    `calibration error ${formatPercent(ece)}`,
    `macro F1 ${formatPercent(evaluation.macroF1)}`,
    `balanced accuracy ${formatPercent(evaluation.balancedAccuracy)}`,
  ];
  const shown = evaluation.classes.filter(({ images }) => images > 0);
  const missing = evaluation.classes.filter(({ images }) => images === 0).map(({ label }) => label);
  const width = Math.max(5, ...shown.map(({ label }) => label.length)) + 2;
  const row = (label: string, cells: readonly string[]) =>
    label.padEnd(width) + cells.map((cell) => cell.padStart(11)).join('');
  return [
    `${model.title} (${model.id} ${model.version})`,
    `${dataset}, ${which}: ${images}`,
    figures.join(', '),
    '',
    row('class', ['images', 'precision', 'recall', 'F1']),
    ...shown.map(({ label, images, precision, recall, f1 }) =>
      row(label, [`${images}`, ...[precision, recall, f1].map(formatPercent)]),
    ),
    ...(missing.length > 0 ? [`Without images: ${listNames(missing, 5)}.`] : []),
  ].join('\n');
}
