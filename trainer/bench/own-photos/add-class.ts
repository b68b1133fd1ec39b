/**
 * A class added to a finished model by a few photos, beside a training anew with the same photos.
 *
 *     pnpm --filter trainer bench:add-class --data <folder> [--class <class>] [--seed 1] [--size 128] [--keep <folder>]
 *
 * The folder has a folder of photos for each class; --data and --seed may be given several times. Of each class, 30
 * photos test, or half of it, and at most 60 others train; the class that is left out has 5, 10 and 20. Without
 * --class, each seed leaves out another one of those that have so many. A photo that is nearly the same as one to test
 * trains nothing. The recipe is `photos`. With --keep, what has been trained stays there and is not trained again. The
 * last line is JSON.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { startBackend } from '../../src/backends/start-backend.ts';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { photos } from '../../src/config/photos.ts';
import { createRandom, shuffle } from '../../src/config/random.ts';
import { imageBatches } from '../../src/data/batches.ts';
import { inspectFolder, type Photo } from '../../src/datasets/folders/inspect-folder.ts';
import { openDataset } from '../../src/datasets/open-dataset.ts';
import { whole } from '../../src/datasets/split.ts';
import { TrainerError } from '../../src/errors.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { matchLabels } from '../../src/evaluation/evaluate-model.ts';
import { topPrediction } from '../../src/evaluation/metrics.ts';
import { addClass } from '../../src/export/adding/add-class.ts';
import { readingFor } from '../../src/export/card-images.ts';
import { writeModelDirectory } from '../../src/export/write-model-directory.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { fromUser } from '../../src/files/project.ts';
import { loadModel } from '../../src/models/load-model.ts';

const TEST = 30;
const TRAIN = 60;
const COUNTS = [5, 10, 20];
const signal = new AbortController().signal;
const reading = { signal, say: () => {} };

const { values } = parseArgs({
  options: {
    data: { type: 'string', multiple: true },
    class: { type: 'string' },
    record: { type: 'boolean' },
    seed: { type: 'string', multiple: true, default: ['1'] },
    size: { type: 'string', default: `${photos.size}` },
    keep: { type: 'string' },
  },
});
if (values.data === undefined) {
  throw new TrainerError('config_invalid', 'Expected --data <folder>.');
}
const size = Number(values.size);
await startBackend('auto', () => {});
const root = values.keep
  ? fromUser(values.keep)
  : await mkdtemp(join(tmpdir(), 'graft-add-class-'));
try {
  const cells: Cell[] = [];
  for (const data of values.data) {
    for (const seed of values.seed) cells.push(await measureCell(fromUser(data), Number(seed)));
  }
  await reportFigures('trainer bench:add-class', { size, ...summaryOf(cells), cells });
} finally {
  if (!values.keep) await rm(root, { recursive: true });
}

interface Row extends Measured {
  readonly photos: number;
  readonly method: string;
  readonly seconds: number;
}

/** A set and a seed. */
interface Cell {
  readonly data: string;
  readonly seed: number;
  readonly class: string;
  /** The model that lacks the class. */
  readonly before: Measured;
  readonly rows: readonly Row[];
}

async function measureCell(path: string, seed: number): Promise<Cell> {
  const classes = await drawClasses(path, seed);
  const able = classes.filter(({ train }) => train.length >= Math.max(...COUNTS));
  const drawn = shuffle([...able], createRandom(1))[(seed - 1) % able.length];
  const own = values.class ? classes.find(({ label }) => label === values.class) : drawn;
  if (!own) throw new TrainerError('config_invalid', `Expected a class, but got ${values.class}.`);
  const data = basename(path);
  const left = own.label;
  const others = classes.filter(({ label }) => label !== left);
  const folder = join(root, `${data}-${left}-${seed}-${size}`);
  for (const { label, test } of classes) await copy(join(folder, 'test', label), test);
  for (const { label, train } of others) await copy(join(folder, 'base', label), train);

  const base = await train(folder, 'base', seed);
  const before = await measure(folder, base.model, left);
  console.log(
    `${data} without ${left}: ${formatPercent(before.old)}, trained in ${base.seconds} s.`,
  );
  const rows: Row[] = [];
  for (const count of COUNTS) {
    const photos = own.train.slice(0, count);
    await copy(join(folder, `photos-${count}`), photos);
    await copy(join(folder, `all-${count}`, left), photos);
    for (const { label, train } of others) await copy(join(folder, `all-${count}`, label), train);
    const added = await add(folder, left, count);
    const trained = await train(folder, `all-${count}`, seed);
    for (const [method, { model, seconds }] of Object.entries({ added, trained })) {
      const row = { photos: count, method, ...(await measure(folder, model, left)), seconds };
      rows.push(row);
      console.log(
        `${count} photos, ${method}: all classes ${formatPercent(row.all)}, old ${formatPercent(row.old)}, ${left} ${formatPercent(row.recall)}${row.known === null ? '' : ` (${formatPercent(row.known)} known)`}, ${seconds} s`,
      );
    }
  }
  return { data, seed, class: left, before, rows };
}

interface DrawnClass {
  readonly label: string;
  readonly test: readonly string[];
  readonly train: readonly string[];
}

/** @returns paths of photos */
async function drawClasses(path: string, seed: number): Promise<DrawnClass[]> {
  const { labels, photos: found } = await inspectFolder(path, {
    ...{ purpose: 'measuring', size: 128, strict: false, signal },
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
  });
  const random = createRandom(seed);
  const all = shuffle([...found.train], random);
  const split = labels.map((label, index) => {
    const of = all.filter((photo) => photo.label === index);
    const count = Math.min(TEST, Math.floor(of.length / 2));
    return { label, test: of.slice(0, count), rest: of.slice(count) };
  });
  const tested = new Set(split.flatMap(({ test }) => test.map(({ group }) => group)));
  const pathsOf = (some: readonly Photo[]) => some.map(({ path }) => path);
  return split.map(({ label, test, rest }) => ({
    label,
    test: pathsOf(test),
    train: pathsOf(rest.filter(({ group }) => !tested.has(group)).slice(0, TRAIN)),
  }));
}

/** By the number of photos: means over all cells, and how often the target is met; then means of each set's seeds. */
function summaryOf(cells: readonly Cell[]) {
  const compare = (some: readonly Cell[], photos: number) => {
    const pairs = some.map(({ before, rows }) => {
      const of = rows.filter((row) => row.photos === photos);
      const [added, trained] = ['added', 'trained'].map((method) =>
        of.find((row) => row.method === method),
      ) as [Row, Row];
      return { behind: trained.all - added.all, lost: before.old - added.old, added, trained };
    });
    const mean = (of: (pair: (typeof pairs)[0]) => number) =>
      pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
    return { pairs, mean };
  };
  const byCount = COUNTS.map((photos) => {
    const { pairs, mean } = compare(cells, photos);
    return {
      photos,
      ...{ added: mean(({ added }) => added.all), trained: mean(({ trained }) => trained.all) },
      ...{ lost: mean(({ lost }) => lost) },
      recall: mean(({ added }) => added.recall),
      trainedRecall: mean(({ trained }) => trained.recall),
      within5: pairs.filter(({ behind }) => behind <= 0.05).length,
      within1OfOld: pairs.filter(({ lost }) => lost <= 0.01).length,
    };
  });
  const mean = (of: (row: (typeof byCount)[0]) => number) =>
    byCount.reduce((sum, row) => sum + of(row), 0) / byCount.length;
  const bySet = [...Map.groupBy(cells, ({ data }) => data)].flatMap(([data, some]) =>
    COUNTS.map((photos) => {
      const { mean } = compare(some, photos);
      return { data, photos, behind: mean(({ behind }) => behind), lost: mean(({ lost }) => lost) };
    }),
  );
  const ratio = mean(({ added }) => added) / mean(({ trained }) => trained);
  return { ratio_trained: ratio, byCount, bySet };
}

async function copy(to: string, paths: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const path of paths) await copyFile(path, join(to, basename(path)));
}

/** @returns the model's folder, and seconds */
async function train(folder: string, name: string, seed: number) {
  const model = join(folder, 'models', name);
  const timed = join(folder, `${name}.seconds`);
  const known = await readFile(timed, 'utf8').catch(() => undefined);
  if (known !== undefined) return { model, seconds: Number(known) };
  const directory = join(folder, 'runs', name);
  await rm(directory, { recursive: true, force: true });
  const begin = performance.now();
  await trainInStages(
    { ...photos, size, seed },
    {
      ...{ directory, models: join(folder, 'models') },
      ...{ modelId: name, data: join(folder, name), strict: false, resume: false },
      ...{ backend: 'auto', signal, say: () => {} },
      ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
    },
  );
  const seconds = secondsSince(begin);
  await writeFile(timed, `${seconds}`);
  return { model, seconds };
}

async function add(folder: string, label: string, count: number) {
  const begin = performance.now();
  const { model, draft } = await addClass(join(folder, 'models', 'base'), {
    ...{ label, from: join(folder, `photos-${count}`), data: join(folder, 'base') },
    ...reading,
    report: console.error,
  });
  const to = join(folder, 'models', `added-${count}`);
  await rm(to, { recursive: true, force: true });
  await writeModelDirectory(to, model, { ...draft, id: `added-${count}` });
  return { model: to, seconds: secondsSince(begin) };
}

/** Shares of test images that are right. */
interface Measured {
  readonly all: number;
  /** Of the old classes. */
  readonly old: number;
  /** Of the class that was left out. */
  readonly recall: number;
  /** Of the same, those that the score of unknown images knows. */
  readonly known: number | null;
}

async function measure(folder: string, directory: string, left: string): Promise<Measured> {
  const { card, outputs, ...model } = await loadModel(directory);
  const dataset = await openDataset(join(folder, 'test'), readingFor(card, reading));
  const knows = card.labels.some(({ name }) => name === left);
  const named = dataset.labels.filter((label) => knows || label !== left);
  const classOf = matchLabels({ ...dataset, labels: named }, card);
  const source = imageBatches(whole(dataset.train), card.preprocess);
  const progress = { advance: () => {}, stop: () => {} };
  const answers = await evaluate(model.run, source, { progress, signal });
  const images = Array.from({ length: source.length }, (_, index) => {
    const label = dataset.labels[source.label(index)] as string;
    const right = classOf[named.indexOf(label)];
    return {
      index,
      isNew: label === left,
      isRight: topPrediction(answers, index).predicted === right,
    };
  });
  let known = 0;
  for (const { index } of images.filter(({ isNew }) => isNew && outputs)) {
    const input = await source.inputs([index], createRandom(0));
    const [probabilities, score] = outputs?.(input) ?? [];
    if (((await score?.data())?.[0] ?? 0) >= 0.5) known++;
    for (const tensor of [input, probabilities, score]) tensor?.dispose();
  }
  model.dispose();
  const share = (some: typeof images) => some.filter(({ isRight }) => isRight).length / some.length;
  const own = images.filter(({ isNew }) => isNew);
  return {
    all: share(images),
    old: share(images.filter(({ isNew }) => !isNew)),
    recall: share(own),
    known: card.knownScore ? known / own.length : null,
  };
}

function secondsSince(begin: number): number {
  return Math.round((performance.now() - begin) / 100) / 10;
}
