import type { KnownScore } from 'shared/contract/model-card';
import { createRandom } from '../config/random.ts';
import { generateImages } from '../data/generated-images.ts';
import { type Part, type Splits, whole } from '../datasets/split.ts';
import {
  clusterDirections,
  nearestTo,
  normOf,
  type Rows,
  unitRows,
} from '../evaluation/prototypes.ts';
import { quantile, separate } from '../evaluation/separation.ts';
import { drawFrom, eachRow, type RowsOf, type RowsTask, startRows } from './feature-rows.ts';
import type { GraphModel } from './graph-builder.ts';
import { cutGraph, headOf, withKnownScore } from './known-score.ts';

/** Prototypes of a class: more of them moved AUROC by less than 0.002 on CIFAR-10. */
const PROTOTYPES = 8;
/** Of all prototypes, in 8 bits. */
const MAX_PROTOTYPE_BYTES = 190_000;

/** How many images are looked at; they are drawn with the seed. */
const MOST = { train: 2000, validation: 1000, test: 500, counterExamples: 500 };
const GENERATED = 200;
/** Classes that are left out in turn. */
const MOST_LEFT_OUT = 10;

/** With fewer counter-examples, all of them measure. */
const MIN_COUNTER_EXAMPLES = 10;
/** How far prototypes are moved away from counter-examples: the best of these on validation images. */
const COUNTER_WEIGHTS = [0, 0.25, 0.5, 0.75, 1];

/** The score of the median known image. */
const MEDIAN_SCORE = 0.9;

export interface KnownScoreTask extends RowsTask {
  /** Number of the model's classes. */
  readonly classes: number;
  readonly splits: Splits;
  /** Images of none of the classes: half of them fit the score, and half measure it; a few only measure it. */
  readonly counterExamples?: Part | undefined;
  /** The share of known images to keep, 0–1. */
  readonly keep: number;
  readonly seed: number;
}

/**
 * Gives a model a score that says whether an image shows one of its classes: the cosine between the
 * image's features and the nearest of some prototypes, the centres of the training images' features. A
 * model of too many classes for that takes its largest logit, which is nearly its energy (Liu et al. 2020).
 * The threshold keeps the wanted share of the validation images; everything that the card says is measured
 * on test images.
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
  const perClass = Math.min(PROTOTYPES, Math.floor(MAX_PROTOTYPE_BYTES / width / task.classes));
  const rowsOf = await startRows(cutGraph(model, perClass > 0 ? features : logits), task);
  try {
    const fitted =
      perClass > 0
        ? await fitPrototypes(drawFrom(splits.train, MOST.train, seed), perClass, rowsOf, seed)
        : null;
    const validation = drawFrom(splits.validation, MOST.validation, seed);
    const knownRows = eachRow(await rowsOf('Known images', validation));
    const [fitting, measuring] = halves(task.counterExamples, seed);
    const { groups, counter } =
      fitted && fitting
        ? moveAway(fitted, knownRows, await rowsOf('Counter-examples', fitting))
        : { groups: fitted, counter: undefined };
    const scoreOf = (row: Float32Array) => (groups ? cosineTo(row, groups) : Math.max(...row));
    const known = knownRows.map(scoreOf);
    const threshold = quantile(known, 1 - keep);
    const spread = Math.max(quantile(known, 0.5) - threshold, 1e-6);
    const slope = Math.log(MEDIAN_SCORE / (1 - MEDIAN_SCORE)) / spread;
    const unknown = { ...task, counterExamples: measuring };
    const measured = await measureScore(unknown, rowsOf, { groups, scoreOf, threshold });
    const prototypes = groups && {
      width,
      values: Float32Array.from(groups.flatMap(({ rows }) => [...rows.values])),
    };
    return {
      model: withKnownScore(model, {
        prototypes: prototypes ?? undefined,
        counter,
        slope,
        offset: -slope * threshold,
      }),
      knownScore: {
        method: prototypes ? 'prototypes' : 'maximum-logit',
        ...(prototypes && { prototypes: prototypes.values.length / width }),
        keep,
        images: known.length,
        measured,
      },
    };
  } finally {
    rowsOf.dispose();
  }
}

interface FittedScore {
  readonly groups: readonly ClassPrototypes[] | null;
  readonly scoreOf: (row: Float32Array) => number;
  readonly threshold: number;
}

/** How well known test images are told from unknown ones of each kind. */
async function measureScore(
  { splits, counterExamples, seed }: KnownScoreTask,
  rowsOf: RowsOf,
  { groups, scoreOf, threshold }: FittedScore,
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
  // An image of several labels is not unknown where one of them is left out.
  if (groups && !test.set.labels) {
    const labels = test.indices.map((index) => test.set.label(index));
    const leftOut = leaveClassesOut(tested, labels, groups, threshold);
    if (leftOut) measured.push(leftOut);
  }
  return measured;
}

/** A class's prototypes. */
interface ClassPrototypes {
  readonly label: number;
  readonly rows: Rows;
}

type Measurement = KnownScore['measured'][number];

/** The prototypes of each class that has images. */
async function fitPrototypes(
  part: Part,
  perClass: number,
  rowsOf: RowsOf,
  seed: number,
): Promise<ClassPrototypes[]> {
  const rows = await rowsOf('Prototypes', part);
  const random = createRandom(seed);
  const places = Map.groupBy(part.indices.keys(), (place) =>
    part.set.label(part.indices[place] as number),
  );
  return [...places].map(([label, places]) => ({
    label,
    rows: clusterDirections(unitRows(rows, places), perClass, random),
  }));
}

/** Counter-examples to fit with, where there are enough, and others to measure with. */
function halves(part: Part | undefined, seed: number): (Part | undefined)[] {
  if (!part) return [];
  const { set, indices } = drawFrom(part, MOST.counterExamples, seed);
  if (indices.length < MIN_COUNTER_EXAMPLES) return [undefined, part];
  const half = indices.length >> 1;
  return [
    { set, indices: indices.slice(0, half) },
    { set, indices: indices.slice(half) },
  ];
}

/**
 * Takes a part of the counter-examples' mean direction from each prototype, so that an image is known by how
 * much closer it is to a class than to them.
 *
 * @param known rows of images that did not fit the prototypes
 * @returns the prototypes, and the vector that was subtracted; undefined where none told them better
 */
function moveAway(
  groups: readonly ClassPrototypes[],
  known: readonly Float32Array[],
  counterExamples: Rows,
): { readonly groups: readonly ClassPrototypes[]; readonly counter: Float32Array | undefined } {
  const { width } = counterExamples;
  const unknown = eachRow(counterExamples);
  const mean = new Float32Array(width);
  for (const row of eachRow(unitRows(counterExamples, [...unknown.keys()]))) {
    for (let i = 0; i < width; i++) {
      mean[i] = (mean[i] as number) + (row[i] as number) / unknown.length;
    }
  }
  const tried = COUNTER_WEIGHTS.map((weight) => {
    const counter = mean.map((value) => weight * value);
    const moved = groups.map(({ label, rows }) => ({
      label,
      rows: {
        width,
        values: rows.values.map((value, i) => value - (counter[i % width] as number)),
      },
    }));
    const scores = (rows: readonly Float32Array[]) => rows.map((row) => cosineTo(row, moved));
    const { auroc } = separate(scores(known), scores(unknown), 0);
    return { groups: moved, counter: weight > 0 ? counter : undefined, auroc };
  });
  // Of equally good ones the first, which moves them least.
  return tried.reduce((best, one) => (one.auroc > best.auroc ? one : best));
}

/** How much of a row's direction is that of the nearest prototype: the cosine to it, of norm 1. */
function cosineTo(row: Float32Array, groups: readonly ClassPrototypes[]): number {
  return Math.max(...groups.map(({ rows }) => nearestTo(row, rows).product)) / normOf(row);
}

/**
 * How well images of a class are told from the others where the score does not know their class. The
 * network does know it, so that this is easier than a class that nobody has thought of.
 */
function leaveClassesOut(
  rows: readonly Float32Array[],
  labels: readonly number[],
  groups: readonly ClassPrototypes[],
  threshold: number,
): Measurement | undefined {
  // A class that all of the images are of leaves none to be kept.
  const isSome = ({ label }: ClassPrototypes) =>
    labels.includes(label) && labels.some((other) => other !== label);
  const left = groups.filter(isSome).slice(0, MOST_LEFT_OUT);
  if (left.length === 0 || groups.length < 2) return;
  const results = left.map(({ label }) => {
    const others = groups.filter((group) => group.label !== label);
    const values = rows.map((row) => cosineTo(row, others));
    const of = (isLeftOut: boolean) =>
      values.filter((_, at) => (labels[at] === label) === isLeftOut);
    return { images: of(true).length, ...separate(of(false), of(true), threshold) };
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
