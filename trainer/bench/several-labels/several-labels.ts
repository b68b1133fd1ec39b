/**
 * The recipe `photos` on images of several labels, beside a linear probe and a PyTorch recipe on the same weights and
 * the same images.
 *
 *     pnpm --filter trainer bench:several-labels --labels <file> [--data <folder>] [--seed 1] [--size 128] [--keep <file>]
 *
 * The file is one that `graft train --labels` takes. A fifth of the images, at most 500, is drawn to test; of the
 * others at most 1,500 train. A row has mean average precision with its 95 % interval and the interval of its difference
 * to ours, both by bootstrap, F1 of all labels and as the labels' mean, and CPU seconds, which other work on the machine
 * moves less than the clock. Ours is as served, in 8 bits, with the thresholds of its card; the others' threshold is .5.
 * `--keep` names a file of predictions, which those of this run are appended to, and from which known ones are taken.
 * The last line is JSON.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { forSeveralLabels } from '../../src/config/for-several-labels.ts';
import { photos } from '../../src/config/photos.ts';
import { prepareImages } from '../../src/data/prepare-images.ts';
import type { Photo } from '../../src/datasets/folders/inspect-folder.ts';
import { labelsOf } from '../../src/datasets/lists/several-labels.ts';
import { TrainerError } from '../../src/errors.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { DEFAULT_THRESHOLD, measureLabels } from '../../src/evaluation/label-metrics.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { fromUser } from '../../src/files/project.ts';
import { loadModel } from '../../src/models/load-model.ts';
import type { Draw } from '../own-photos/draw.ts';
import { keptAnswers } from '../own-photos/kept-answers.ts';
import { runPeer } from '../own-photos/run-peer.ts';
import { bootstrap } from './bootstrap.ts';
import { drawLabelled, predictionsOf } from './draw-labelled.ts';

const signal = new AbortController().signal;
const quiet = { advance: () => {}, stop: () => {} };

/** The predictions of a method for the test images. */
interface Answers {
  readonly method: string;
  /** The probability of each label, one row an image. */
  readonly predictions: readonly (readonly number[])[];
  readonly cpuSeconds: number;
  /** One a label; .5 by default. */
  readonly thresholds?: readonly number[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      labels: { type: 'string' },
      data: { type: 'string' },
      record: { type: 'boolean' },
      keep: { type: 'string' },
      seed: { type: 'string', default: '1' },
      size: { type: 'string', default: `${photos.size}` },
    },
  });
  if (values.labels === undefined) {
    throw new TrainerError('config_invalid', 'Expected --labels <file of images and labels>.');
  }
  const list = fromUser(values.labels);
  const folder = values.data === undefined ? dirname(list) : fromUser(values.data);
  const setting = { seed: Number(values.seed), size: Number(values.size) };
  const drawn = await drawLabelled(folder, list, setting.seed);
  const { train, test, labels } = drawn;
  const data = basename(folder);
  const cell = { data, ...setting, train: train.length, test: test.length };
  console.log(
    `${data}: ${labels.length} labels, ${train.length} images to train, ${test.length} to test, ${setting.size} px, seed ${setting.seed}.`,
  );
  const file = values.keep === undefined ? undefined : fromUser(values.keep);
  const ours = await keptAnswers(file, cell, ['ours'], async () => [
    await trainOurs(drawn, setting),
  ]);
  const peers = await keptAnswers(file, cell, ['probe', 'pytorch'], () => runPeers(drawn, setting));
  const rows = scoresOf([...ours, ...peers], drawn, setting.seed);
  for (const { method, mAP, interval, behind, f1Micro, f1Macro, cpuSeconds } of rows) {
    const paired =
      method === 'ours' ? '' : `, against ours ${behind.map(formatPercent).join(' to ')}`;
    console.log(
      `${method}: mAP ${formatPercent(mAP)} (${interval.map(formatPercent).join(' to ')}${paired}), F1 micro ${formatPercent(f1Micro)}, macro ${formatPercent(f1Macro)}, ${cpuSeconds} CPU s`,
    );
  }
  const [own, ...others] = rows;
  const ratios = others.flatMap(({ method, mAP, cpuSeconds }) => [
    [`ratio_${method}`, (own?.mAP as number) / mAP],
    [`ratio_${method}_cpu`, cpuSeconds / (own?.cpuSeconds as number)],
  ]);
  await reportFigures('trainer bench:several-labels', {
    ...{ ...cell, labels: labels.length, methods: rows },
    ...Object.fromEntries(ratios),
  });
}

function scoresOf(answers: readonly Answers[], drawn: Draw, seed: number) {
  const predictions = answers.map(({ predictions }) => predictionsOf(drawn, predictions));
  const intervals = bootstrap(predictions, seed);
  return answers.map(({ method, cpuSeconds, thresholds }, at) => {
    const own = predictions[at] as (typeof predictions)[number];
    const measured = measureLabels(own, thresholds ?? drawn.labels.map(() => DEFAULT_THRESHOLD));
    const { meanAveragePrecision, f1Micro, f1Macro, exactMatch, hamming, ece, labels } = measured;
    const { interval, behindFirst } = intervals[at] as (typeof intervals)[number];
    return {
      ...{ method, mAP: meanAveragePrecision, interval, behind: behindFirst },
      ...{ f1Micro, f1Macro, exactMatch, hamming, ece, cpuSeconds: Math.round(cpuSeconds) },
      averagePrecision: labels.map(({ averagePrecision }) => averagePrecision),
    };
  });
}

async function trainOurs(
  drawn: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers> {
  const config = { ...forSeveralLabels(photos), ...setting };
  const folder = await mkdtemp(join(tmpdir(), 'graft-several-labels-'));
  try {
    const source = { data: folder, labels: await copy(drawn, folder), strict: false, signal };
    const begin = process.cpuUsage();
    const card = await trainInStages(config, {
      ...{ directory: join(folder, 'run'), models: join(folder, 'models'), modelId: 'photos' },
      ...{ ...source, resume: false, backend: 'auto', say: console.log },
      ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
    });
    const { user, system } = process.cpuUsage(begin);
    const { images, splits } = await prepareImages(config, { ...source, say: () => {} });
    const model = await loadModel(join(folder, 'models', 'photos'));
    const { classes, probabilities } = await evaluate(model.run, images.test, {
      ...{ progress: quiet, signal },
    });
    model.dispose();
    const predictions: number[][] = [];
    for (const [at, index] of splits.test.indices.entries()) {
      const image = Number.parseInt(basename(splits.test.set.path?.(index) as string), 10);
      predictions[image] = [...probabilities.subarray(at * classes, (at + 1) * classes)];
    }
    const thresholds = card.multiLabel?.thresholds ?? [];
    return { method: 'ours', predictions, thresholds, cpuSeconds: (user + system) / 1e6 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Copies the images, named by their places.
 *
 * @returns path of their label file
 */
async function copy({ labels, train, test }: Draw, folder: string): Promise<string> {
  const rows = [['file', ...labels.map((label) => `"${label.replaceAll('"', '""')}"`), 'split']];
  for (const [split, photos] of Object.entries({ train, test })) {
    await mkdir(join(folder, split));
    for (const [index, photo] of photos.entries()) {
      const file = `${split}/${`${index}`.padStart(5, '0')}${extname(photo.path)}`;
      await copyFile(photo.path, join(folder, file));
      const has = labels.map((_, label) => (labelsOf(photo).includes(label) ? '1' : '0'));
      rows.push([file, ...has, split]);
    }
  }
  const list = join(folder, 'labels.csv');
  await writeFile(list, rows.map((cells) => `${cells.join()}\n`).join(''));
  return list;
}

function runPeers(
  { labels, train, test }: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers[]> {
  const pairs = (photos: readonly Photo[]) => photos.map((photo) => [photo.path, labelsOf(photo)]);
  const task = { train: pairs(train), test: pairs(test), classes: labels.length, ...setting };
  return runPeer(fileURLToPath(new URL('several_labels_peer.py', import.meta.url)), task);
}

await main().catch((error: unknown) => {
  if (!(error instanceof TrainerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
