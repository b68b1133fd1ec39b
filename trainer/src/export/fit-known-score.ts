import type { KnownScore } from 'shared/contract/model-card';
import { createRandom } from '../config/random.ts';
import { generateImages } from '../data/generated-images.ts';
import { allLabels } from '../datasets/dataset.ts';
import { type Part, type Splits, whole } from '../datasets/split.ts';
import { TrainerError } from '../errors.ts';
import { clusterDirections, type Rows, unitRows } from '../evaluation/prototypes.ts';
import { quantile, separate } from '../evaluation/separation.ts';
import { type Contrast, contrastOf, type PretrainedClasses } from './contrast/contrast.ts';
import { type ClassPrototypes, cosineTo, halves, moveAway } from './contrast/counter-examples.ts';
import { distillContrast } from './contrast/distill-contrast.ts';
import { drawFrom, eachRow, type RowsOf, type RowsTask, startRows } from './feature-rows.ts';
import type { GraphModel } from './graph-builder.ts';
import {
  CONTRAST_WEIGHT,
  cutGraph,
  headOf,
  LARGEST_LOGIT,
  MEDIAN_SCORE,
  withKnownScore,
} from './known-score.ts';

/** Prototypes of a class: more of them moved AUROC by less than 0.002 on CIFAR-10. */
const PROTOTYPES = 8;
/** Beside a contrast: more of them moved AUROC by less than 0.002 there too. */
const PROTOTYPES_BESIDE_CONTRAST = 2;
/** Of all prototypes and the contrast's directions, in 8 bits. */
const MAX_PROTOTYPE_BYTES = 190_000;
/** Of the contrast. With fewer it comes out much coarser. */
const DIRECTIONS = { fewest: 40, most: 120 };
/** More of them fit the training images' features better, and photos no better. */
const DISTILLING_STEPS = 2000;

/** Of ImageNet's, 0.9, the paper's share, told textures and flowers apart about as well, and 0.99 less well. */
const CLIPPED_FROM = 0.95;

/** How many images are looked at; they are drawn with the seed. */
const MOST = { train: 2000, validation: 1000, test: 500 };
const GENERATED = 200;
/** Classes that are left out in turn. */
const MOST_LEFT_OUT = 10;

export interface KnownScoreTask extends RowsTask {
  /** Number of the model's classes. */
  readonly classes: number;
  readonly splits: Splits;
  /** Images of none of the classes: half of them fit the score, and half measure it; a few only measure it. */
  readonly counterExamples?: Part | undefined;
  /** ImageNet's classifier, to which a model that was fine-tuned from it is contrasted. */
  readonly pretrained?: PretrainedClasses | undefined;
  /** The share of known images to keep, 0–1. */
  readonly keep: number;
  readonly seed: number;
}

/**
 * Gives a model a score that says whether an image shows one of its classes: the cosine between the
 * image's features and the nearest of some prototypes, the centres of the training images' features. A
 * model of too many classes for that takes the largest logit of its features, clipped (Sun et al. 2021, ReAct).
 * Where ImageNet's classifier is given, the contrast to it is added: that has seen sharp photos of many classes, which a
 * model of small images has not. The threshold keeps the wanted share of the validation images; everything
 * that the card says is measured on test images.
 *
 * @param model without a score
 */
export async function fitKnownScore(
  model: GraphModel,
  task: KnownScoreTask,
): Promise<{ readonly model: GraphModel; readonly knownScore: KnownScore }> {
  const { splits, keep, seed } = task;
  const { logits, features } = headOf(model);
  const width = channelsOf(model, logits);
  const { perClass, directions } = planSizes(width, task);
  const clip = perClass > 0 ? undefined : await fitClip(cutGraph(model, features), task);
  const read =
    clip === undefined
      ? cutGraph(model, features)
      : cutGraph(withKnownScore(model, { clip, slope: 1, offset: 0 }), LARGEST_LOGIT);
  const rowsOf = await startRows(read, task);
  try {
    const train = drawFrom(splits.train, MOST.train, seed);
    const trainRows = perClass > 0 ? await rowsOf('Prototypes', train) : null;
    const fitted = trainRows && fitPrototypes(train, trainRows, perClass, seed);
    const contrast = trainRows ? await fitContrast(trainRows, directions, rowsOf, task) : undefined;
    const validation = drawFrom(splits.validation, MOST.validation, seed);
    const knownRows = eachRow(await rowsOf('Known images', validation));
    const [fitting, measuring] = halves(task.counterExamples, seed);
    const { groups, counter } =
      fitted && fitting
        ? moveAway(fitted, knownRows, await rowsOf('Counter-examples', fitting))
        : { groups: fitted, counter: undefined };
    const scoreOf = (row: Float32Array) =>
      groups ? cosineTo(row, groups) + addedBy(contrast, row) : (row[0] as number);
    const known = knownRows.map(scoreOf);
    const threshold = quantile(known, 1 - keep);
    const spread = Math.max(quantile(known, 0.5) - threshold, 1e-6);
    const slope = Math.log(MEDIAN_SCORE / (1 - MEDIAN_SCORE)) / spread;
    const unknown = { ...task, counterExamples: measuring };
    // The contrast knows every class, and none can be taken from it.
    const groupsWithout =
      contrast || !groups || !trainRows
        ? undefined
        : (label: number) =>
            splits.train.set.labels
              ? fitPrototypes(train, trainRows, perClass, seed, label)
              : groups.filter((group) => group.label !== label);
    const fit = { groupsWithout, scoreOf, threshold };
    const measured = await measureScore(unknown, rowsOf, fit);
    const prototypes = groups && {
      width,
      values: Float32Array.from(groups.flatMap(({ rows }) => [...rows.values])),
    };
    return {
      model: withKnownScore(model, {
        prototypes: prototypes ?? undefined,
        clip,
        contrast,
        counter,
        slope,
        offset: -slope * threshold,
      }),
      knownScore: {
        method: prototypes ? 'prototypes' : 'maximum-logit',
        ...(prototypes && { prototypes: prototypes.values.length / width }),
        ...(contrast && { contrast: directions }),
        keep,
        images: known.length,
        measured,
      },
    };
  } finally {
    rowsOf.dispose();
  }
}

/** The value that a share of all features of the training images does not exceed. */
async function fitClip(features: GraphModel, task: KnownScoreTask): Promise<number> {
  const rowsOf = await startRows(features, task);
  try {
    const train = drawFrom(task.splits.train, MOST.validation, task.seed);
    return quantile([...(await rowsOf('Features', train)).values], CLIPPED_FROM);
  } finally {
    rowsOf.dispose();
  }
}

/** How many prototypes a class has, and how many directions the contrast. */
function planSizes(width: number, { classes, pretrained }: KnownScoreTask) {
  const most = Math.floor(MAX_PROTOTYPE_BYTES / width);
  const perClass = Math.min(
    pretrained ? PROTOTYPES_BESIDE_CONTRAST : PROTOTYPES,
    Math.floor(most / classes),
  );
  const directions = Math.min(DIRECTIONS.most, most - perClass * classes);
  if (!pretrained || (perClass > 0 && directions >= DIRECTIONS.fewest)) {
    return { perClass, directions };
  }
  throw new TrainerError(
    'config_invalid',
    `Expected fewer than ${classes} classes for a contrast to ImageNet's: leave out --imagenet.`,
  );
}

async function fitContrast(
  features: Rows,
  directions: number,
  rowsOf: RowsOf,
  { pretrained, splits, seed, signal }: KnownScoreTask,
): Promise<Contrast | undefined> {
  if (!pretrained) return;
  const { head, isKnown } = pretrained;
  // Others than those that measure the score.
  const set = generateImages(splits.train, 2 * GENERATED);
  const indices = Array.from({ length: GENERATED }, (_, at) => GENERATED + at);
  const ofNothing = await rowsOf('Other generated images', { set, indices });
  const task = { isKnown, features, ofNothing, directions, steps: DISTILLING_STEPS, seed, signal };
  return distillContrast(head, task);
}

function addedBy(contrast: Contrast | undefined, row: Float32Array): number {
  return contrast ? CONTRAST_WEIGHT * contrastOf(row, contrast) : 0;
}

interface FittedScore {
  /** The prototypes as they would be without a class; absent where none can be left out. */
  readonly groupsWithout: ((label: number) => readonly ClassPrototypes[]) | undefined;
  readonly scoreOf: (row: Float32Array) => number;
  readonly threshold: number;
}

/** How well known test images are told from unknown ones of each kind. */
async function measureScore(
  { splits, counterExamples, seed }: KnownScoreTask,
  rowsOf: RowsOf,
  { groupsWithout, scoreOf, threshold }: FittedScore,
): Promise<Measurement[]> {
  const test = drawFrom(splits.test, MOST.test, seed);
  const tested = eachRow(await rowsOf('Known images, test', test));
  const known = tested.map(scoreOf);
  const measure = async (unknown: Measurement['unknown'], title: string, part: Part) => {
    const values = eachRow(await rowsOf(title, part)).map(scoreOf);
    const separation = separate(known, values, threshold);
    return { unknown, images: values.length, known: known.length, ...separation };
  };
  const measured: Measurement[] = [];
  if (counterExamples) {
    const title = 'Counter-examples, measured';
    measured.push(await measure('counter-examples', title, counterExamples));
  }
  const generated = whole(generateImages(test, GENERATED));
  measured.push(await measure('generated', 'Generated images', generated));
  if (groupsWithout) {
    const labels = test.indices.map((index) => allLabels(test.set, index));
    const leftOut = leaveClassesOut(tested, labels, groupsWithout, threshold);
    if (leftOut) measured.push(leftOut);
  }
  return measured;
}

type Measurement = KnownScore['measured'][number];

/**
 * The prototypes of each class that has images; of several labels, an image is of the class of its rarest.
 *
 * @param without a class whose images are left out
 */
function fitPrototypes(
  { set, indices }: Part,
  rows: Rows,
  perClass: number,
  seed: number,
  without?: number,
): ClassPrototypes[] {
  const random = createRandom(seed);
  const kept = [...indices.keys()].filter(
    (place) => without === undefined || !allLabels(set, indices[place] as number).includes(without),
  );
  const places = Map.groupBy(kept, (place) => set.label(indices[place] as number));
  return [...places].map(([label, places]) => ({
    label,
    rows: clusterDirections(unitRows(rows, places), perClass, random),
  }));
}

/**
 * How well images of a class are told from the others where the score does not know their class; of several labels,
 * images of that label alone. The network does know it, so that this is easier than a class that nobody has thought of.
 *
 * @param labels of each row
 */
function leaveClassesOut(
  rows: readonly Float32Array[],
  labels: readonly (readonly number[])[],
  groupsWithout: (label: number) => readonly ClassPrototypes[],
  threshold: number,
): Measurement | undefined {
  const isAlone = (own: readonly number[], label: number) => own.length === 1 && own[0] === label;
  // A class that all of the images are of leaves none to be kept.
  const left = [...new Set(labels.flat())]
    .filter((label) => labels.some((own) => isAlone(own, label)))
    .filter((label) => labels.some((own) => !own.includes(label)))
    .sort((a, b) => a - b)
    .slice(0, MOST_LEFT_OUT)
    .map((label) => ({ label, others: groupsWithout(label) }))
    .filter(({ others }) => others.length > 0);
  if (left.length === 0) return;
  const results = left.map(({ label, others }) => {
    const valuesOf = (isOf: (own: readonly number[]) => boolean) =>
      rows.filter((_, at) => isOf(labels[at] ?? [])).map((row) => cosineTo(row, others));
    const unknown = valuesOf((own) => isAlone(own, label));
    const known = valuesOf((own) => !own.includes(label));
    return { images: unknown.length, ...separate(known, unknown, threshold) };
  });
  const mean = (key: 'auroc' | 'kept' | 'letThrough') =>
    results.reduce((sum, result) => sum + result[key], 0) / results.length;
  return {
    unknown: 'classes left out',
    images: results.reduce((sum, { images }) => sum + images, 0),
    known: rows.length,
    auroc: mean('auroc'),
    kept: mean('kept'),
    letThrough: mean('letThrough'),
  };
}

/** Channels of the dense layer's input. */
function channelsOf({ topology, weightSpecs }: GraphModel, dense: string): number {
  const kernel = topology.node.find(({ name }) => name === dense)?.input[1];
  const spec = weightSpecs.find(({ name }) => name === kernel || name === `${kernel}/steps`);
  return spec?.shape[0] as number;
}
