/**
 * The recipe `photos` on a folder of one's own, beside a linear probe and a PyTorch recipe on the same
 * weights and the same images.
 *
 *     pnpm --filter trainer bench:own-photos --data <folder> [--per-class 12] [--seed 1] [--size 128]
 *
 * The folder has a folder of photos for each class. A fifth of each class is drawn to test, or all but
 * `--per-class` of it where that is given; of what is left, at most 1,500 images train, and at most 500
 * test. A row has accuracy with its 95 % interval (Wilson), the mean of the classes' accuracies, the sign
 * test of the images that only one of a peer and ours has right (McNemar), and CPU seconds, which other
 * work on the machine moves less than the clock. Ours is as served, in 8 bits. The last line is JSON.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { photos } from '../../src/config/photos.ts';
import { createRandom, shuffle } from '../../src/config/random.ts';
import { prepareImages } from '../../src/data/prepare-images.ts';
import { findLayout } from '../../src/datasets/folders/folder-layout.ts';
import { TrainerError } from '../../src/errors.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { wilsonInterval } from '../../src/evaluation/format-accuracy.ts';
import { topPrediction } from '../../src/evaluation/metrics.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { fromUser } from '../../src/files/project.ts';
import { loadModel } from '../../src/models/load-model.ts';
import { preparePython, torch } from '../python-env.ts';

const MOST_TRAIN = 1500;
const MOST_TEST = 500;
const WEIGHTS = fileURLToPath(
  new URL('../../weights/efficientnet-lite0-imagenet.safetensors', import.meta.url),
);
const signal = new AbortController().signal;
const quiet = { advance: () => {}, stop: () => {} };

interface Photo {
  readonly path: string;
  readonly label: number;
}
interface Draw {
  readonly labels: readonly string[];
  readonly train: readonly Photo[];
  readonly test: readonly Photo[];
}
/** The predictions of a method for the test images. */
interface Answers {
  readonly method: string;
  readonly predictions: readonly number[];
  readonly cpuSeconds: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      record: { type: 'boolean' },
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
  const drawn = await draw(fromUser(values.data), perClass, setting.seed);
  const { train, test, labels } = drawn;
  console.log(
    `${basename(values.data)}: ${labels.length} classes, ${train.length} images to train, ${test.length} to test, ${setting.size} px, seed ${setting.seed}.`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'graft-own-photos-'));
  try {
    await copy(drawn, folder);
    const ours = await trainOurs(folder, drawn, setting);
    const rows = [ours, ...(await runPeers(drawn, setting))].map((answers) => ({
      method: answers.method,
      ...scoreOf(answers, drawn),
      ...(answers !== ours && { p: signTest(ours, answers, test) }),
      cpuSeconds: Math.round(answers.cpuSeconds),
    }));
    for (const { method, accuracy, interval, balanced, p, cpuSeconds } of rows) {
      const paired = p === undefined ? '' : `, p against ours ${p.toFixed(3)}`;
      console.log(
        `${method}: ${formatPercent(accuracy)} (${interval.map(formatPercent).join(' to ')}), mean of classes ${formatPercent(balanced)}${paired}, ${cpuSeconds} CPU s`,
      );
    }
    const counts = { classes: labels.length, train: train.length, test: test.length };
    const data = basename(values.data);
    await reportFigures('trainer bench:own-photos', { data, ...setting, ...counts, methods: rows });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Draws the images that train and those that test, at random within each class. */
async function draw(path: string, perClass: number | undefined, seed: number): Promise<Draw> {
  const { labels, files } = await findLayout(path, { purpose: 'measuring' });
  const random = createRandom(seed);
  const all = shuffle([...(files.train ?? [])], random);
  const classes = labels.map((_, label) => all.filter((photo) => photo.label === label));
  const tested = classes.map((photos) =>
    perClass === undefined ? Math.ceil(photos.length / 5) : photos.length - perClass,
  );
  if (tested.some((count) => count < 1)) {
    throw new TrainerError(
      'config_invalid',
      `Expected more than --per-class ${perClass} images in each class of ${path}.`,
    );
  }
  const cut = (photos: Photo[], most: number) => shuffle(photos, random).slice(0, most);
  return {
    labels,
    train: cut(
      classes.flatMap((photos, label) => photos.slice(tested[label])),
      MOST_TRAIN,
    ),
    test: cut(
      classes.flatMap((photos, label) => photos.slice(0, tested[label])),
      MOST_TEST,
    ),
  };
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
  folder: string,
  { labels, test }: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers> {
  const config = { ...photos, ...setting };
  const begin = process.cpuUsage();
  await trainInStages(config, {
    directory: join(folder, 'run'),
    models: join(folder, 'models'),
    modelId: 'photos',
    data: folder,
    ...{ strict: false, resume: false, backend: 'auto', signal, say: console.log },
    ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
  });
  const { user, system } = process.cpuUsage(begin);
  const { images } = await prepareImages(config, {
    ...{ data: folder, strict: false, signal, say: () => {} },
  });
  const model = await loadModel(join(folder, 'models', 'photos'));
  const answers = await evaluate(model.run, images.test, { progress: quiet, signal });
  model.dispose();
  // The trainer reads images by class, then by name.
  const order = labels.flatMap((_, label) =>
    [...test.keys()].filter((index) => test[index]?.label === label),
  );
  const predictions: number[] = Array(test.length);
  for (const [at, index] of order.entries()) {
    predictions[index] = topPrediction(answers, at).predicted;
  }
  return { method: 'ours', predictions, cpuSeconds: (user + system) / 1e6 };
}

async function runPeers(
  { labels, train, test }: Draw,
  setting: { readonly seed: number; readonly size: number },
): Promise<Answers[]> {
  const python = await preparePython(console.log, torch);
  const { epochs, minSteps } = photos.stage2;
  const pairs = (photos: readonly Photo[]) => photos.map(({ path, label }) => [path, label]);
  const task = {
    ...{ train: pairs(train), test: pairs(test), classes: labels.length },
    ...{ ...setting, epochs, minSteps, weights: WEIGHTS },
  };
  const program = fileURLToPath(new URL('own_photos_peer.py', import.meta.url));
  // Threads that wait for others would else spin, and their CPU seconds would say little on a busy machine.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.stdin.end(JSON.stringify(task));
  const lines = (await child.stdout.toArray()).join('').trim().split('\n');
  const [reading, ...rows] = lines.map((line) => JSON.parse(line)) as [Answers, ...Answers[]];
  return rows.map((row) => ({ ...row, cpuSeconds: row.cpuSeconds + reading.cpuSeconds }));
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
