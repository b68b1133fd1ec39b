/**
 * How many wrong labels `graft review` finds, what correcting them is worth, and which copies it finds.
 *
 *     pnpm --filter trainer bench:review [--images 6000] [--data <folder>] [--size 128]
 *
 * 5 % of the labels of CIFAR-10, or of a folder's images, are swapped at random. The figure is the share of them in the
 * first 5 % of all images, in the order in which the page lists them. These are given their labels back, as a person
 * would who looks at that part of the list, and the head is solved three times: with the folder's labels, with
 * the swapped ones, and with those corrected; its accuracy on at most 1,500 test images stands beside the 95 %
 * interval (Wilson) of the first. Then 200 images come back as other files, smaller,
 * cropped and in JPEG, with another label; the figure is the share of them that is found beside its
 * original. The images have wrong labels and copies of their own, which count as false alarms. The last
 * line is JSON.
 */
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { swapLabels } from '../fixtures/labels/swap-labels.ts';
import { startBackend } from '../src/backends/start-backend.ts';
import { fast } from '../src/config/fast.ts';
import { createRandom, shuffle } from '../src/config/random.ts';
import { type BatchSource, imageBatches, subsetOf } from '../src/data/batches.ts';
import { prepareImages } from '../src/data/prepare-images.ts';
import type { ImageSet } from '../src/datasets/dataset.ts';
import { whole } from '../src/datasets/split.ts';
import { INFERENCE_BATCH } from '../src/evaluation/evaluate.ts';
import { evaluatePlan } from '../src/evaluation/evaluate-plan.ts';
import { wilsonInterval } from '../src/evaluation/format-accuracy.ts';
import { topPrediction } from '../src/evaluation/metrics.ts';
import { formatPercent, formatSeconds, startProgress } from '../src/files/progress.ts';
import { fromUser } from '../src/files/project.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { cutHead } from '../src/models/head.ts';
import { findProblems } from '../src/review/finding/find-problems.ts';
import { joinSources } from '../src/review/finding/join-sources.ts';
import { FeatureCache } from '../src/training/feature-cache.ts';
import { computeFeatures } from '../src/training/features.ts';
import { solveHead } from '../src/training/solve-head.ts';

const SHARE = 0.05;
const COPIES = 200;
const MOST_TESTED = 1500;
const SEEDS = [1, 2, 3];
const { signal } = new AbortController();

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '6000' },
    data: { type: 'string' },
    size: { type: 'string', default: `${fast.size}` },
    record: { type: 'boolean' },
  },
});
const config = { ...fast, limit: Number(values.images), size: Number(values.size) };
const backend = await startBackend('auto', console.log);
const { dataset, preprocess, splits, images } = await prepareImages(config, {
  data: values.data === undefined ? null : fromUser(values.data),
  strict: false,
  signal,
  say: console.log,
});
const classes = dataset.labels.length;
const { plan } = await buildNetwork(config, classes);
const { trunk, head } = cutHead(plan);
const featuresOf = (source: BatchSource, store?: ReturnType<FeatureCache['storeOf']>) =>
  computeFeatures(trunk, source, {
    batchSize: INFERENCE_BATCH,
    progress: startProgress('Features', source.length),
    signal,
    ...(store && { store }),
  });
const origin = { trunk, preprocess, datasetHash: dataset.hash, backend: backend.name };
const cache = await FeatureCache.open(origin, console.log);
const features = await featuresOf(images.plain, cache.storeOf('train', splits.train));
await cache.close();
const tested = await featuresOf(
  subsetOf(images.test, [...Array(Math.min(MOST_TESTED, images.test.length)).keys()]),
);
const clean = await accuracyWith(features);
const interval = wilsonInterval(clean, tested.length);
console.log(
  `The labels as they are: ${formatPercent(clean)} of ${tested.length} test images (${interval.map(formatPercent).join(' to ')}).`,
);

const results: object[] = [];
for (const seed of SEEDS) {
  const { source, swapped } = swapLabels(features, classes, SHARE, seed);
  const begin = performance.now();
  const { labelErrors } = await findProblems({
    ...{ features: source, classes, seed, signal },
    splitOf: () => 'train',
  });
  const seconds = (performance.now() - begin) / 1000;
  const first = labelErrors.slice(0, SHARE * source.length);
  const seen = new Set(first.map(({ index }) => index));
  const found = [...swapped].filter((index) => seen.has(index)).length / swapped.size;
  const label = (index: number) => (seen.has(index) ? features : source).label(index);
  const wrong = await accuracyWith(source);
  const corrected = await accuracyWith({ ...source, label });
  const isBack = corrected >= interval[0] && corrected <= interval[1];
  results.push({ found, listed: labelErrors.length, seconds, wrong, corrected, isBack });
  console.log(
    `Seed ${seed}: ${formatPercent(found)} of ${swapped.size} swapped labels in the first ${first.length} of ${labelErrors.length} listed, ${formatSeconds(seconds)}; ${formatPercent(wrong)} right with them, ${formatPercent(corrected)} with those corrected.`,
  );
}

const chosen = shuffle(splits.train.indices, createRandom(1)).slice(0, COPIES);
const copies = await featuresOf(
  imageBatches(whole(copiesOf(splits.train.set, chosen)), preprocess),
);
const { duplicates } = await findProblems({
  ...{ features: joinSources([features, copies]), classes, seed: 1, signal },
  splitOf: (index) => (index < features.length ? 'train' : 'test'),
});
const originals = new Map(
  chosen.map((index, at) => [features.length + at, splits.train.indices.indexOf(index)]),
);
const isCopy = ({ index, of }: (typeof duplicates)[number]) => originals.get(index) === of;
const foundCopies = duplicates.filter(isCopy).length;
console.log(
  `${foundCopies} of ${COPIES} copies beside their original, and ${duplicates.length - foundCopies} other pairs.`,
);
await reportFigures('trainer bench:review', {
  data: dataset.id,
  images: features.length,
  tested: tested.length,
  backend: backend.name,
  clean,
  interval,
  results,
  foundCopies,
  others: duplicates.length - foundCopies,
});

/** Accuracy on the test images of a head that is solved with some labels. */
async function accuracyWith(source: BatchSource): Promise<number> {
  await solveHead({ head, source, classes, config: config.stage1, seed: config.seed, signal });
  const predictions = await evaluatePlan(head, tested, 'Test', signal);
  const right = Array.from(
    { length: tested.length },
    (_, at) => topPrediction(predictions, at).predicted === tested.label(at),
  );
  return right.filter(Boolean).length / right.length;
}

/** Smaller by a tenth, without a border of one pixel, in JPEG of quality 75. */
function copiesOf(set: ImageSet, indices: readonly number[]): ImageSet {
  return {
    length: indices.length,
    label: (at) => (set.label(indices[at] as number) + 1) % classes,
    async image(at) {
      const { data, width, height, channels } = await set.image(indices[at] as number);
      const raw = { width, height, channels };
      const jpeg = await sharp(data, { raw })
        .extract({ left: 1, top: 1, width: width - 2, height: height - 2 })
        .resize(Math.round(0.9 * width))
        .jpeg({ quality: 75 })
        .toBuffer();
      const copy = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
      return { data: copy.data, width: copy.info.width, height: copy.info.height, channels: 3 };
    },
  };
}
