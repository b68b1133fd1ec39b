import type { AddedClass, KnownScore, ModelCard } from 'shared/contract/model-card';
import type { Image } from 'shared/images/image';
import { createRandom } from '../../config/random.ts';
import type { ImageSet } from '../../datasets/dataset.ts';
import { listImages } from '../../datasets/list-images.ts';
import { type Part, whole } from '../../datasets/split.ts';
import { TrainerError } from '../../errors.ts';
import { matchLabels } from '../../evaluation/evaluate-model.ts';
import { readImage } from '../../evaluation/predict.ts';
import {
  clusterDirections,
  nearestTo,
  normOf,
  type Rows,
  unitRows,
} from '../../evaluation/prototypes.ts';
import { readModel } from '../../models/load-model.ts';
import { openCardImages, readingFor } from '../card-images.ts';
import { widenContrast } from '../contrast/contrast.ts';
import { drawFrom, eachRow, startRows } from '../feature-rows.ts';
import { fromArtifacts, type GraphModel } from '../graph-builder.ts';
import { readHead } from '../head/head.ts';
import {
  CONTRAST_WEIGHT,
  cutGraph,
  headOf,
  type KnownScoreNodes,
  MEDIAN_SCORE,
  readKnownScore,
  withKnownScore,
  withoutKnownScore,
} from '../known-score.ts';
import type { CardDraft } from '../write-model-directory.ts';
import { accuracyOf, fitRow, type LabelledRows } from './fit-row.ts';
import { widenHead } from './widen-head.ts';

/** Fewer say too little. */
const FEWEST_PHOTOS = 5;
/** Of a class; as many as trained classes have. */
const PROTOTYPES = 8;
/** How many images are looked at; they are drawn with the seed. */
const MOST = { train: 1000, heldOut: 1000 };

export interface AdditionTask {
  /** Of the new class. */
  readonly label: string;
  /** Folder of its photos, at any depth. */
  readonly from: string;
  /** Name or path of the data set that trained the model; null for CIFAR-10. */
  readonly data: string | null;
  readonly signal: AbortSignal;
  say(line: string): void;
  /** Told of a photo that cannot be read. */
  report(error: unknown): void;
}

/** A model with one class more, not yet written. */
export interface Addition {
  readonly model: GraphModel;
  readonly draft: CardDraft;
  readonly added: AddedClass;
  /** Photos that are recognized by what is fitted to the others. */
  readonly recognized: number;
}

/**
 * Adds a class to a finished model, by the features of a few photos. No weight of the network changes but those
 * of the new class, and the score of unknown images knows it too.
 *
 * @throws TrainerError `model_invalid`, `dataset_invalid`
 */
export async function addClass(directory: string, task: AdditionTask): Promise<Addition> {
  const { card, artifacts } = await readModel(directory);
  refuseUnfit(card, task.label);
  const stored = fromArtifacts(artifacts);
  const bare = withoutKnownScore(stored);
  const { dataset, splits, seed } = await openCardImages(card, task.data, readingFor(card, task));
  const classOf = matchLabels(dataset, card);
  const set = await readPhotos(card, task);
  const rowsOf = await startRows(cutGraph(bare, headOf(bare).features), {
    preprocess: card.preprocess,
    arithmetic: card.quantization.arithmetic ?? 'float32',
    signal: task.signal,
  });
  try {
    const photos = await rowsOf('Photos', whole(set));
    const labelled = async (
      title: string,
      part: Part,
      isMirrored = false,
    ): Promise<LabelledRows> => ({
      features: await rowsOf(title, part, isMirrored),
      labels: part.indices.map((index) => classOf[part.set.label(index)] as number),
    });
    const train = await labelled('Images', drawFrom(splits.train, MOST.train, seed));
    const half = MOST.heldOut / 2;
    const viewOf = async (isMirrored: boolean) =>
      joinRows([
        await labelled('Validation images', drawFrom(splits.validation, half, seed), isMirrored),
        await labelled('Test images', drawFrom(splits.test, half, seed), isMirrored),
      ]);
    const heldOut = await viewOf(false);
    const mirrored = await viewOf(true);
    const head = readHead(bare);
    const { row, recognized, lost } = fitRow({ head, train, heldOut, mirrored, photos });
    const before = accuracyOf(head, heldOut);
    const old = { images: heldOut.labels.length, before, after: before - lost };
    const own = clusterDirections(
      unitRows(photos, [...Array(set.length).keys()]),
      PROTOTYPES,
      createRandom(seed),
    );
    const { model, knownScore } = widenScore(widenHead(bare, row), own, {
      photos: eachRow(photos),
      score: readKnownScore(stored),
      knownScore: card.knownScore,
    });
    const added = { label: task.label, photos: set.length, old };
    return { model, draft: draftOf(card, added, knownScore), added, recognized };
  } finally {
    rowsOf.dispose();
  }
}

/** @throws TrainerError `model_invalid`, `dataset_invalid` */
function refuseUnfit({ id, labels, multiLabel }: ModelCard, label: string): void {
  if (multiLabel) {
    throw new TrainerError(
      'model_invalid',
      `Expected a model of one label an image, but ${id} gives several: train it anew with the photos.`,
    );
  }
  if (!labels.some(({ name }) => name === label)) return;
  throw new TrainerError(
    'dataset_invalid',
    `Expected a new class, but ${id} has ${label} already: put the photos into its folder, and train anew.`,
  );
}

/** The photos that can be read, as the class after the model's own. */
async function readPhotos(
  { labels, preprocess }: ModelCard,
  { from, report }: AdditionTask,
): Promise<ImageSet> {
  const images: Image[] = [];
  for (const path of await listImages(from)) {
    await readImage(path, preprocess.size).then((image) => images.push(image), report);
  }
  if (images.length < FEWEST_PHOTOS) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected ${FEWEST_PHOTOS} photos or more in ${from}, but ${images.length} can be read: add some.`,
    );
  }
  return {
    length: images.length,
    label: () => labels.length,
    image: (index) => images[index] as Image,
  };
}

function joinRows(parts: readonly LabelledRows[]): LabelledRows {
  const width = parts[0]?.features.width ?? 0;
  const values = Float32Array.from(parts.flatMap(({ features }) => [...features.values]));
  return { features: { width, values }, labels: parts.flatMap(({ labels }) => labels) };
}

interface Stored {
  /** Features of the new class's photos. */
  readonly photos: readonly Float32Array[];
  readonly score: KnownScoreNodes | undefined;
  readonly knownScore: KnownScore | undefined;
}

/** Puts a score back, with prototypes of the new class; its threshold stays. */
function widenScore(
  model: GraphModel,
  own: Rows,
  { photos, score, knownScore }: Stored,
): { readonly model: GraphModel; readonly knownScore: KnownScore | undefined } {
  if (!score || !knownScore) return { model, knownScore: undefined };
  const { width } = own;
  const moved = own.values.map((value, i) => value - (score.counter?.[i % width] ?? 0));
  const values = score.prototypes && [...score.prototypes.values, ...moved];
  const prototypes = values && { width, values: Float32Array.from(values) };
  const { slope, offset } = score;
  const medianValue = (Math.log(MEDIAN_SCORE / (1 - MEDIAN_SCORE)) - offset) / slope;
  const needed = (place: number) => {
    const features = photos[place] as Float32Array;
    return (medianValue - nearestTo(features, own).product / normOf(features)) / CONTRAST_WEIGHT;
  };
  const contrast = score.contrast && widenContrast(score.contrast, own, photos, needed);
  return {
    model: withKnownScore(model, { ...score, prototypes, contrast }),
    // What was measured was without the class.
    knownScore: {
      ...knownScore,
      ...(prototypes && { prototypes: prototypes.values.length / width }),
      measured: [],
    },
  };
}

/** Accuracy and calibration were those of the model without the class. */
function draftOf(
  { weightsHash: _, calibration: __, knownScore: ___, ...card }: ModelCard,
  added: AddedClass,
  knownScore: KnownScore | undefined,
): CardDraft {
  const { bytes: ____, ...quantization } = card.quantization;
  return {
    ...card,
    title: `${card.title} and ${added.label}`,
    created: new Date().toISOString(),
    labels: [...card.labels, { name: added.label }],
    quantization,
    accuracy: [],
    ...(knownScore && { knownScore }),
    added: [...(card.added ?? []), added],
  };
}
