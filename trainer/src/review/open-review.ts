import type * as tf from '@tensorflow/tfjs';
import type { ActivationMap } from 'shared/inference/graph/class-activation';
import { backbones } from '../backbones/registry.ts';
import { createRandom } from '../config/random.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { type BatchSource, imageBatches, subsetOf } from '../data/batches.ts';
import { decidedImage, decidedLabels } from '../datasets/decisions/apply-decisions.ts';
import { type DecidedImage, Decisions } from '../datasets/decisions/decisions.ts';
import { BY_FOLDERS } from '../datasets/folders/find-splits.ts';
import { decidedDataset } from '../datasets/folders/image-folder.ts';
import { type Inspection, inspectFolder, type Photo } from '../datasets/folders/inspect-folder.ts';
import type { SplitName } from '../datasets/folders/split-names.ts';
import { labelsOf } from '../datasets/lists/several-labels.ts';
import { type Part, splitDataset } from '../datasets/split.ts';
import { evaluate, INFERENCE_BATCH } from '../evaluation/evaluate.ts';
import { startProgress } from '../files/progress.ts';
import { buildNetwork } from '../models/build-network.ts';
import { cutHead } from '../models/head.ts';
import { disposePlan } from '../plan/plan.ts';
import { FeatureCache, type FeatureOrigin } from '../training/feature-cache.ts';
import { computeFeatures } from '../training/features.ts';
import { findMistakes, type Mistake } from './finding/find-mistakes.ts';
import { findProblems, type Problems } from './finding/find-problems.ts';
import { joinSources } from './finding/join-sources.ts';

export interface ReviewTask {
  /** The folder of images. */
  readonly data: string;
  /** Where an image may have several labels, what says which: a file's path, or `folders`. */
  readonly labels?: string | undefined;
  /** One a label, from which on an image has it; one half by default. */
  readonly thresholds?: readonly number[] | undefined;
  /** The recipe that the images were trained with. */
  readonly config: TrainConfig;
  /** Name of the backend that computes. */
  readonly backend: string;
  /** The trained network, from preprocessed images to probabilities. */
  run(inputs: tf.Tensor): tf.Tensor;
  /** What speaks for a label in one image; absent where the network has no such maps. */
  readonly explain?: ((input: tf.Tensor, label: number) => ActivationMap) | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** An image of the folder. */
export interface ReviewedImage extends DecidedImage {
  readonly path: string;
  readonly split: SplitName;
  /** Of its folder or its label file, whatever has been decided; one, where an image has one. */
  readonly labels: readonly number[];
}

/** Mistakes that have maps: more are rarely looked at. */
const MAPPED = 200;

export interface Review extends Problems {
  readonly folder: string;
  readonly labels: readonly string[];
  /** Whether an image may have several of them. */
  readonly isMultiLabel: boolean;
  /** Path of the file that says which, where one does. */
  readonly labelFile?: string | undefined;
  /** All images; the problems' indices are theirs. */
  readonly images: readonly ReviewedImage[];
  /** Of validation and test images, the most confident first. */
  readonly mistakes: readonly Mistake[];
  readonly decisions: Decisions;
}

/**
 * Finds likely problems in a folder of images, as the training reads it. Images that decisions leave out are
 * not looked at, and moved ones have their new label.
 *
 * @throws TrainerError `dataset_invalid`, `weights_invalid`; the signal's reason
 */
export async function openReview(task: ReviewTask): Promise<Review> {
  const { config, signal } = task;
  const inspection = await inspectFolder(task.data, {
    ...{ purpose: 'measuring', size: config.size, strict: false, signal, startProgress },
    labels: task.labels,
  });
  const { folder, labels, isMultiLabel } = inspection;
  const decisions = await Decisions.read(folder);
  const { images, parts, datasetHash } = listImages(inspection, decisions, config);
  const preprocess = { ...backbones[config.backbone].preprocess, size: config.size };

  const features = await computeAll(parts, { ...task, preprocess, datasetHash });
  const decided = labelsAfter(images, decisions, inspection);
  const kept = [...images.keys()].filter((index) => decided[index] !== undefined);
  const labelled = (source: BatchSource, indices: readonly number[]): BatchSource => {
    const labelsAt = (at: number) => decided[indices[at] as number] as readonly number[];
    const label = (at: number) => labelsAt(at)[0] ?? labels.length;
    return { ...subsetOf(source, indices), label, ...(isMultiLabel && { labels: labelsAt }) };
  };
  const problems = await findProblems({
    features: labelled(features, kept),
    classes: labels.length,
    splitOf: (at) => images[kept[at] as number]?.split ?? 'train',
    seed: config.seed,
    signal,
  });
  const held = kept.filter((index) => images[index]?.split !== 'train');
  const pixels = joinSources(parts.map(({ part }) => imageBatches(part, preprocess)));
  const progress = startProgress('Predictions, held-out images', held.length);
  const predictions = await evaluate(task.run, labelled(pixels, held), { progress, signal });
  const mistakes = findMistakes(predictions, held, task.thresholds);
  return {
    ...withIndices(problems, kept, images.length, labels.length),
    mistakes: await withMaps(mistakes, pixels, task.explain),
    ...{ folder, labels, isMultiLabel, images, decisions },
    labelFile: task.labels === BY_FOLDERS ? undefined : task.labels,
  };
}

/** The trunk's features of all parts, one part after the other. */
async function computeAll(
  parts: readonly { readonly name: SplitName; readonly part: Part }[],
  {
    config,
    backend,
    signal,
    say,
    ...origin
  }: ReviewTask & Pick<FeatureOrigin, 'preprocess' | 'datasetHash'>,
): Promise<BatchSource> {
  const { preprocess, datasetHash } = origin;
  // Its head is not used: any number of classes gives the same trunk.
  const { plan } = await buildNetwork(config, 2);
  const { trunk } = cutHead(plan);
  const cache = await FeatureCache.open({ trunk, preprocess, datasetHash, backend }, say);
  const sources: BatchSource[] = [];
  for (const { name, part } of parts) {
    const source = imageBatches(part, preprocess);
    const progress = startProgress(`Features, ${name} images`, source.length);
    const store = cache.storeOf(name, part);
    const options = { batchSize: INFERENCE_BATCH, progress, signal, store };
    sources.push(await computeFeatures(trunk, source, options));
  }
  await cache.close();
  disposePlan(plan);
  return joinSources(sources);
}

/** The labels of each image as decided; undefined for one that is left out. */
function labelsAfter(
  images: readonly ReviewedImage[],
  decisions: Decisions,
  { labels: names, isMultiLabel }: Inspection,
): (readonly number[] | undefined)[] {
  const find = decisions.finder(images);
  return images.map((image): readonly number[] | undefined => {
    const decision = find(image);
    if (decision?.decision === 'duplicate' || decision?.decision === 'not a photo') {
      return undefined;
    }
    const { labels } = image;
    const photo = { label: labels[0] ?? names.length, ...(isMultiLabel && { labels }) };
    return decidedLabels(photo, decision, names) ?? labels;
  });
}

/** All images of a folder by split, whatever is decided about them. */
function listImages(inspection: Inspection, decisions: Decisions, config: TrainConfig) {
  // Those added from production are in no other split than the training images.
  const { dataset } = decidedDataset(inspection, decisions.only('added'), config.size);
  const splits = splitDataset(dataset, { ...config, limit: null });
  const photosOf = { train: dataset.train, validation: dataset.validation, test: dataset.test };
  const parts = (['train', 'validation', 'test'] as const).map((name) => {
    const part = splits[name];
    const own = part.set === photosOf[name] ? name : 'train';
    const photos = inspection.photos[own] as readonly Photo[];
    return { name, part, photos: part.indices.map((index) => photos[index] as Photo) };
  });
  const images = parts.flatMap(({ name, photos }) =>
    photos.map((photo) => ({
      ...decidedImage(inspection.folder, photo),
      path: photo.path,
      labels: labelsOf(photo),
      split: name,
    })),
  );
  return { images, parts, datasetHash: dataset.hash };
}

async function withMaps(
  mistakes: readonly Mistake[],
  pixels: BatchSource,
  explain: ReviewTask['explain'],
): Promise<readonly Mistake[]> {
  if (!explain) return mistakes;
  const mapped: Mistake[] = [];
  for (const mistake of mistakes.slice(0, MAPPED)) {
    const input = await pixels.inputs([mistake.index], createRandom(0));
    mapped.push({ ...mistake, map: explain(input, mistake.predicted) });
    input.dispose();
  }
  return [...mapped, ...mistakes.slice(MAPPED)];
}

/** Problems among some of the images, by the indices of all. */
function withIndices(
  problems: Problems,
  kept: readonly number[],
  images: number,
  classes: number,
): Problems {
  const at = <T extends { readonly index: number }>(found: readonly T[]) =>
    found.map((one) => ({ ...one, index: kept[one.index] as number }));
  const probabilities = new Float32Array(images * classes);
  for (const [place, index] of kept.entries()) {
    const row = problems.probabilities.subarray(place * classes, (place + 1) * classes);
    probabilities.set(row, index * classes);
  }
  return {
    ...problems,
    labelErrors: at(problems.labelErrors),
    outliers: at(problems.outliers),
    duplicates: at(problems.duplicates).map((one) => ({ ...one, of: kept[one.of] as number })),
    probabilities,
  };
}
