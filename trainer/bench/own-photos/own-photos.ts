/**
 * The recipe `photos` on a folder of one's own, beside a linear probe and a PyTorch recipe on the same
 * weights and the same images.
 *
 *     pnpm --filter trainer bench:own-photos --data <folder> [--per-class 12] [--seed 1] [--size 128] [--near-duplicates] [--keep <file>]
 *
 * The folder has a folder of photos for each class. A fifth of each class is drawn to test, or all but
 * `--per-class` of it where that is given; of what is left, at most 1,500 images train, and at most 500
 * test, none of them nearly the same as one to train, unless `--near-duplicates` is given. A row has accuracy with its 95 % interval (Wilson), the mean of the classes' accuracies, the sign
 * test of the images that only one of a peer and ours has right (McNemar), and CPU seconds, which other
 * work on the machine moves less than the clock. Ours is as served, in 8 bits. `--keep` names a file of
 * predictions, which those of this run are appended to, and from which known ones are taken. The last line is JSON.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { photos } from '../../src/config/photos.ts';
import type { TrainConfig } from '../../src/config/train-config.ts';
import { prepareImages } from '../../src/data/prepare-images.ts';
import type { Photo } from '../../src/datasets/folders/inspect-folder.ts';
import { TrainerError } from '../../src/errors.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { wilsonInterval } from '../../src/evaluation/format-accuracy.ts';
import { topPrediction } from '../../src/evaluation/metrics.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { fromUser } from '../../src/files/project.ts';
import { loadModel } from '../../src/models/load-model.ts';
import { phasesOf, readRunLog } from '../../src/runs/run-log.ts';
import { type Draw, drawPhotos } from './draw.ts';
import { keptAnswers } from './kept-answers.ts';
import { runPeer } from './run-peer.ts';

const signal = new AbortController().signal;
/** Unit of `fsWrite`, in bytes. */
const BLOCK = 512;
const quiet = { advance: () => {}, stop: () => {} };

/** The predictions of a method for the test images. */
interface Answers {
  readonly method: string;
  readonly predictions: readonly number[];
  readonly cpuSeconds: number;
  /** That the training printed. */
  readonly lines?: number;
  /** To disk, in 10^6 bytes; 0 where the folder for temporary files is in memory. */
  readonly megabytesWritten?: number;
  readonly stage1Seconds?: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      record: { type: 'boolean' },
      keep: { type: 'string' },
      'near-duplicates': { type: 'boolean' },
      'per-class': { type: 'string' },
      seed: { type: 'string', default: '1' },
      size: { type: 'string', default: `${photos.size}` },
    },
  });
  if (values.data === undefined) {
    throw new TrainerError('config_invalid', 'Expected --data <folder of class folders>.');
  }
  const perClass = values['per-class'] === undefined ? undefined : Number(values['per-class']);
  const setting = { seed: Number(values.seed), size: Number(values.size) };
  const nearDuplicates = values['near-duplicates'];
  const drawn = await drawPhotos(fromUser(values.data), { perClass, nearDuplicates, ...setting });
  const { train, test, labels } = drawn;
  const data = basename(values.data);
  const counts = { train: train.length, test: test.length };
  const cell = { data, ...setting, ...counts, ...(nearDuplicates && { nearDuplicates }) };
  console.log(
    `${data}: ${labels.length} classes, ${train.length} images to train, ${test.length} to test, ${setting.size} px, seed ${setting.seed}.`,
  );
  const file = values.keep === undefined ? undefined : fromUser(values.keep);
  const ours = await keptAnswers(file, cell, ['ours'], async () => [
    await trainOurs(drawn, setting),
  ]);
  const peers = await keptAnswers(file, cell, ['probe', 'pytorch'], () => runPeers(drawn, setting));
  const rows = [...ours, ...peers].map((answers) => ({
    ...{ ...answers, predictions: undefined },
    ...scoreOf(answers, drawn),
    ...(answers.method !== 'ours' && { p: signTest(ours[0] as Answers, answers, test) }),
    cpuSeconds: Math.round(answers.cpuSeconds),
  }));
  for (const { method, accuracy, interval, balanced, p, cpuSeconds } of rows) {
    const paired = p === undefined ? '' : `, p against ours ${p.toFixed(3)}`;
    console.log(
      `${method}: ${formatPercent(accuracy)} (${interval.map(formatPercent).join(' to ')}), mean of classes ${formatPercent(balanced)}${paired}, ${cpuSeconds} CPU s`,
    );
  }
  const [own, ...others] = rows;
  const ratios = others.flatMap(({ method, accuracy, cpuSeconds }) => [
    [`ratio_${method}`, (own?.accuracy as number) / accuracy],
    [`ratio_${method}_cpu`, cpuSeconds / (own?.cpuSeconds as number)],
  ]);
  await reportFigures('trainer bench:own-photos', {
    ...{ ...cell, classes: labels.length, methods: rows },
    ...Object.fromEntries(ratios),
  });
}

async function copy({ labels, train, test }: Draw, folder: string): Promise<void> {
  for (const [split, photos] of Object.entries({ train, test })) {
    for (const label of labels) await mkdir(join(folder, split, label), { recursive: true });
    for (const [index, { path, label }] of photos.entries()) {
      const name = `${index}`.padStart(5, '0') + extname(path);
      await copyFile(path, join(folder, split, labels[label] as string, name));
    }
  }
}

async function trainOurs(
  drawn: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers> {
  const { labels, test } = drawn;
  const config = { ...photos, ...setting };
  const folder = await mkdtemp(join(tmpdir(), 'graft-own-photos-'));
  try {
    await copy(drawn, folder);
    const directory = join(folder, 'run');
    let lines = 0;
    const say = (line: string) => {
      lines += 1;
      console.log(line);
    };
    const before = [process.cpuUsage(), process.resourceUsage().fsWrite] as const;
    await trainInStages(config, {
      ...{ directory, models: join(folder, 'models'), modelId: 'photos', data: folder },
      ...{ strict: false, resume: false, backend: 'auto', signal, say },
      ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
    });
    const { user, system } = process.cpuUsage(before[0]);
    const blocks = process.resourceUsage().fsWrite - before[1];
    const predictions = await predictTest(config, folder, drawn);
    // The trainer reads images by class, then by name.
    const order = labels.flatMap((_, label) =>
      [...test.keys()].filter((index) => test[index]?.label === label),
    );
    return {
      method: 'ours',
      predictions: test.map((_, index) => predictions[order.indexOf(index)] as number),
      cpuSeconds: (user + system) / 1e6,
      lines,
      megabytesWritten: (blocks * BLOCK) / 1e6,
      stage1Seconds: await stage1Seconds(directory),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @returns the label that the exported model predicts for each test image, in the trainer's order */
async function predictTest(config: TrainConfig, data: string, { test }: Draw): Promise<number[]> {
  const { images } = await prepareImages(config, { data, strict: false, signal, say: () => {} });
  const model = await loadModel(join(data, 'models', 'photos'));
  const answers = await evaluate(model.run, images.test, { progress: quiet, signal });
  model.dispose();
  return test.map((_, at) => topPrediction(answers, at).predicted);
}

/** Features and head, by the run's log. */
async function stage1Seconds(directory: string): Promise<number> {
  const phases = phasesOf(await readRunLog(directory));
  const counted = phases.filter(({ phase }) => phase === 'Features' || phase === 'Stage 1');
  return counted.reduce((sum, { seconds }) => sum + seconds, 0);
}

function runPeers(
  { labels, train, test }: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers[]> {
  const pairs = (photos: readonly Photo[]) => photos.map(({ path, label }) => [path, label]);
  const task = { train: pairs(train), test: pairs(test), classes: labels.length, ...setting };
  return runPeer<Answers>(fileURLToPath(new URL('own_photos_peer.py', import.meta.url)), task);
}

function scoreOf({ predictions }: Answers, { labels, test }: Draw) {
  const isRight = test.map(({ label }, index) => predictions[index] === label);
  const shareOf = (results: readonly boolean[]) => results.filter(Boolean).length / results.length;
  const byClass = labels
    .map((_, label) => isRight.filter((_, index) => test[index]?.label === label))
    .filter(({ length }) => length > 0);
  const accuracy = shareOf(isRight);
  const balanced = byClass.reduce((sum, results) => sum + shareOf(results), 0) / byClass.length;
  return { accuracy, interval: wilsonInterval(accuracy, test.length), balanced };
}

/** Two-sided sign test of the images that only one of two has right: McNemar's exact test. */
function signTest(a: Answers, b: Answers, test: readonly Photo[]): number {
  const onlyOf = (one: Answers, other: Answers) =>
    test.filter(({ label }, at) => one.predictions[at] === label && other.predictions[at] !== label)
      .length;
  const [fewer, more] = [onlyOf(a, b), onlyOf(b, a)].sort((x, y) => x - y) as [number, number];
  const n = fewer + more;
  let [term, sum] = [2 ** -n, 0];
  for (let k = 0; k <= fewer; k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(1, 2 * sum);
}

await main().catch((error: unknown) => {
  if (!(error instanceof TrainerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
