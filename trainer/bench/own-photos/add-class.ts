/**
 * A class added to a finished model by a few photos, beside a training anew with the same photos.
 *
 *     pnpm --filter trainer bench:add-class --data <folder> --class <class> [--seed 1] [--size 128]
 *
 * The folder has a folder of photos for each class. Of each, 30 photos test and at most 60 others train; the
 * class that is left out has 5, 10 and 20. The recipe is `photos`. The last line is JSON.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { photos } from '../../src/config/photos.ts';
import { createRandom, shuffle } from '../../src/config/random.ts';
import { imageBatches } from '../../src/data/batches.ts';
import { findLayout } from '../../src/datasets/folders/folder-layout.ts';
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
    data: { type: 'string' },
    class: { type: 'string' },
    record: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
    size: { type: 'string', default: `${photos.size}` },
  },
});
if (values.data === undefined || values.class === undefined) {
  throw new TrainerError('config_invalid', 'Expected --data <folder> and --class <class>.');
}
const left = values.class;
const setting = { seed: Number(values.seed), size: Number(values.size) };
const folder = await mkdtemp(join(tmpdir(), 'graft-add-class-'));
try {
  const { labels, files } = await findLayout(fromUser(values.data), { purpose: 'measuring' });
  const random = createRandom(setting.seed);
  const classes = labels.map((label, index) => {
    const of = (files.train ?? []).filter((photo) => photo.label === index);
    const paths = shuffle(of, random).map(({ path }) => path);
    return { label, test: paths.slice(0, TEST), train: paths.slice(TEST, TEST + TRAIN) };
  });
  const others = classes.filter(({ label }) => label !== left);
  const own = classes.find(({ label }) => label === left);
  if (!own) throw new TrainerError('config_invalid', `Expected a class, but got ${left}.`);
  for (const { label, test } of classes) await copy(join(folder, 'test', label), test);
  for (const { label, train } of others) await copy(join(folder, 'base', label), train);

  const base = await train('base');
  const before = await measure(base.model);
  console.log(`Without ${left}: ${formatPercent(before.old)}, trained in ${base.seconds} s.`);
  const rows: object[] = [];
  for (const count of COUNTS) {
    const photos = own.train.slice(0, count);
    await copy(join(folder, `photos-${count}`), photos);
    await copy(join(folder, `all-${count}`, left), photos);
    for (const { label, train } of others) await copy(join(folder, `all-${count}`, label), train);
    const added = await add(base.model, count);
    const trained = await train(`all-${count}`);
    for (const [method, { model, seconds }] of Object.entries({ added, trained })) {
      const { all, old, recall, known } = await measure(model);
      const row = { photos: count, method, all, old, recall, known, seconds };
      rows.push(row);
      console.log(
        `${count} photos, ${method}: all classes ${formatPercent(all)}, old ${formatPercent(old)}, ${left} ${formatPercent(recall)}${known === null ? '' : ` (${formatPercent(known)} known)`}, ${seconds} s`,
      );
    }
  }
  const data = basename(values.data);
  await reportFigures('trainer bench:add-class', { data, class: left, ...setting, before, rows });
} finally {
  await rm(folder, { recursive: true });
}

async function copy(to: string, paths: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const path of paths) await copyFile(path, join(to, basename(path)));
}

/** @returns the model's folder, and seconds */
async function train(name: string) {
  const begin = performance.now();
  await trainInStages(
    { ...photos, ...setting },
    {
      ...{ directory: join(folder, 'runs', name), models: join(folder, 'models') },
      ...{ modelId: name, data: join(folder, name), strict: false, resume: false },
      ...{ backend: 'auto', signal, say: () => {} },
      ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
    },
  );
  return { model: join(folder, 'models', name), seconds: secondsSince(begin) };
}

async function add(base: string, count: number) {
  const begin = performance.now();
  const { model, draft } = await addClass(base, {
    ...{ label: left, from: join(folder, `photos-${count}`), data: join(folder, 'base') },
    ...reading,
    report: console.error,
  });
  const to = join(folder, 'models', `added-${count}`);
  await writeModelDirectory(to, model, { ...draft, id: `added-${count}` });
  return { model: to, seconds: secondsSince(begin) };
}

/** Shares of the test images that are right, all, of the old classes and of the one left out, and those of the last that are known. */
async function measure(directory: string) {
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
