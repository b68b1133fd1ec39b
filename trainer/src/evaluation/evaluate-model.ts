import type { ModelCard } from 'shared/contract/model-card';
import { cardConfig } from '../config/train-config.ts';
import { imageBatches } from '../data/batches.ts';
import { type Dataset, hasSeveralLabels, type Labelled } from '../datasets/dataset.ts';
import type { FolderMeaning } from '../datasets/folders/find-splits.ts';
import { labelOf } from '../datasets/folders/folder-reader.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { type Part, splitDataset, whole } from '../datasets/split.ts';
import { TrainerError } from '../errors.ts';
import { startProgress } from '../files/progress.ts';
import { averageFlips } from '../models/average-flips.ts';
import { loadModel } from '../models/load-model.ts';
import { evaluate } from './evaluate.ts';
import {
  isLabelPredictions,
  type LabelMetrics,
  type LabelPredictions,
  type LabelScore,
  measureLabels,
} from './label-metrics.ts';
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
  /** Where an image may have several labels, what says which: a file's path, or `folders`. */
  readonly labels?: string | undefined;
  /** Average the predictions for each image and its mirror image. */
  readonly flip?: boolean | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Which model was measured on which images. */
interface Subject {
  readonly model: { readonly id: string; readonly version: string; readonly title: string };
  readonly dataset: string;
  /** `test`, what the training had `held out`, or `all` images. */
  readonly split: 'test' | 'held out' | 'all';
}

/** How good a model is on some images. */
export interface Evaluation extends Subject, Metrics {
  readonly classes: readonly (ClassMetrics & { readonly label: string })[];
  /** Mean of the F1 of the classes that have images, 0–1: a rare class counts as much as a frequent one. */
  readonly macroF1: number;
  /** Mean of their recall, 0–1 (Brodersen et al. 2010). */
  readonly balancedAccuracy: number;
}

/** The same of a model of several labels an image. */
export interface LabelEvaluation extends Subject, Omit<LabelMetrics, 'labels'> {
  readonly multiLabel: true;
  readonly labels: readonly (LabelScore & {
    readonly label: string;
    readonly threshold: number;
  })[];
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
): Promise<Evaluation | LabelEvaluation> {
  const { card, version, ...loaded } = await loadModel(directory);
  const network = options.flip ? averageFlips(loaded) : loaded;
  try {
    const { size } = card.preprocess;
    const dataset = await openDataset(options.data, {
      ...options,
      purpose: 'measuring',
      size,
      startProgress,
    });
    requireSameKind(dataset, card);
    const classOf = matchLabels(dataset, card);
    const { part, split } = chooseImages(dataset, card);
    requireImages(part, dataset, card);
    const source = imageBatches(part, card.preprocess);
    const answers = await evaluate(
      network.run,
      { ...source, ...renamed(source, classOf) },
      { progress: startProgress('Evaluation', source.length), signal: options.signal },
    );
    const subject = {
      model: { id: card.id, version, title: card.title },
      dataset: dataset.title,
      split,
    };
    if (card.multiLabel && isLabelPredictions(answers)) {
      return evaluateLabels(subject, answers, card);
    }
    const classes = metricsByClass(confusionMatrix(answers)).map((metrics, index) => ({
      label: card.labels[index]?.name as string,
      ...metrics,
    }));
    return {
      ...subject,
      ...measure(answers),
      classes,
      ...averagesOf(classes.filter(({ images }) => images > 0)),
    };
  } finally {
    network.dispose();
  }
}

function evaluateLabels(
  subject: Subject,
  answers: LabelPredictions,
  { labels: names, multiLabel }: ModelCard,
): LabelEvaluation {
  const thresholds = multiLabel?.thresholds ?? [];
  const { labels, ...metrics } = measureLabels(answers, thresholds);
  return {
    ...subject,
    multiLabel: true,
    ...metrics,
    labels: labels.map((score, index) => ({
      label: names[index]?.name as string,
      threshold: thresholds[index] as number,
      ...score,
    })),
  };
}

/** @throws TrainerError `dataset_invalid` for one label where the model gives several, or the other way round */
function requireSameKind(dataset: Dataset, { id, multiLabel }: ModelCard): void {
  if (hasSeveralLabels(dataset) === (multiLabel !== undefined)) return;
  throw new TrainerError(
    'dataset_invalid',
    multiLabel
      ? `Expected images with several labels, since ${id} gives several: pass --labels with a file, or with folders.`
      : `Expected images with one label each, since ${id} gives one: leave out --labels.`,
  );
}

/** @param classOf the model's class of each of the data set's */
function renamed(source: Labelled, classOf: readonly number[]): Labelled {
  const of = (label: number) => classOf[label] as number;
  const { labels } = source;
  return {
    label: (index) => of(source.label(index)),
    ...(labels && { labels: (index) => labels(index).map(of) }),
  };
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
  const config = cardConfig.safeParse(card.training?.config);
  // One image more or less, and others would be held out, some of which have trained.
  if (config.success && card.training?.data?.hash === dataset.hash) {
    return { part: splitDataset(dataset, config.data).test, split: 'held out' };
  }
  const all = dataset.train.length > 0 ? dataset.train : (dataset.validation ?? dataset.train);
  return { part: whole(all), split: 'all' };
}
