/**
 * What `classWeights` does where some of several labels are rare: pairs of CIFAR-10's images side by side, of which about
 * 475 train, with 10 to 40 images of each of five labels and up to 150 of each other; 500 pairs with all ten labels as often
 * test. `pnpm --filter trainer bench:class-weights [--seeds 1,2,3]`, a minute for each of two trainings a seed. Both have
 * the recipe smoke with three epochs of stage 2, and are measured as served, at the thresholds of their cards. The last line
 * is JSON.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { composePairs, type Pair, writePairs } from '../../fixtures/labels/compose-pairs.ts';
import { trainInStages } from '../../src/commands/training/train-in-stages.ts';
import { forSeveralLabels } from '../../src/config/for-several-labels.ts';
import { smoke } from '../../src/config/smoke.ts';
import { prepareImages } from '../../src/data/prepare-images.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { isLabelPredictions, measureLabels } from '../../src/evaluation/label-metrics.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { loadModel } from '../../src/models/load-model.ts';

const RARE: Readonly<Record<string, number>> = {
  dog: 40,
  frog: 24,
  horse: 16,
  ship: 12,
  truck: 10,
};
const COMMON = 150;
const signal = new AbortController().signal;
const progress = { advance: () => {}, stop: () => {} };

interface Scores {
  readonly mAP: number;
  /** Mean average precision of the rare labels. */
  readonly rare: number;
  readonly f1Micro: number;
  readonly f1Macro: number;
}

async function writeImages(folder: string, seed: number): Promise<string> {
  const left = new Map<string, number>();
  const train: Pair[] = [];
  for (const pair of await composePairs('train', seed * 8000, 2000)) {
    const leftOf = (label: string) => left.get(label) ?? RARE[label] ?? COMMON;
    if (pair.labels.some((label) => leftOf(label) === 0)) continue;
    for (const label of pair.labels) left.set(label, leftOf(label) - 1);
    train.push(pair);
  }
  const test = await composePairs('test', seed * 1000, 500);
  const list = await writePairs(folder, [...train, ...test]);
  const rows = Object.entries({ train, test }).flatMap(([split, pairs]) =>
    pairs.map(({ file, labels }) => `${file},${labels.join(';')},${split}\n`),
  );
  await writeFile(list, `file,labels,split\n${rows.join('')}`);
  return list;
}

async function trained(
  folder: string,
  list: string,
  { seed, classWeights }: { readonly seed: number; readonly classWeights: 'none' | 'balanced' },
): Promise<Scores> {
  const { stage1, stage2, ...recipe } = forSeveralLabels(smoke);
  const config = {
    ...{ ...recipe, seed, limit: null },
    stage1: { ...stage1, epochs: 20, classWeights },
    stage2: { ...stage2, epochs: 3, classWeights },
  };
  const models = join(folder, 'models');
  const source = { data: join(folder, 'images'), labels: list, strict: false, signal };
  const card = await trainInStages(config, {
    ...{ directory: join(folder, classWeights), models, modelId: classWeights },
    ...{ ...source, resume: false, backend: 'auto', say: () => {} },
    ...{ command: '', publicCommand: '', resumeCommand: '', watchCommand: '' },
  });
  const { images } = await prepareImages(config, { ...source, say: () => {} });
  const model = await loadModel(join(models, classWeights));
  const predictions = await evaluate(model.run, images.test, { progress, signal });
  model.dispose();
  if (!isLabelPredictions(predictions)) throw new Error('Expected several labels an image.');
  const measured = measureLabels(predictions, card.multiLabel?.thresholds ?? []);
  const precisions = card.labels.flatMap(({ name }, at) =>
    name in RARE ? (measured.labels[at]?.averagePrecision ?? 0) : [],
  );
  const { meanAveragePrecision, f1Micro, f1Macro } = measured;
  return { mAP: meanAveragePrecision, rare: mean(precisions), f1Micro, f1Macro };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1,2,3' }, record: { type: 'boolean' } },
});
const seeds = values.seeds.split(',').map(Number);
const rows: (Scores & { readonly seed: number; readonly classWeights: string })[] = [];
for (const seed of seeds) {
  const folder = await mkdtemp(join(tmpdir(), 'graft-class-weights-'));
  try {
    const list = await writeImages(join(folder, 'images'), seed);
    for (const classWeights of ['balanced', 'none'] as const) {
      const scores = await trained(folder, list, { seed, classWeights });
      rows.push({ seed, classWeights, ...scores });
      const { mAP, rare, f1Micro, f1Macro } = scores;
      console.log(
        `seed ${seed}, ${classWeights}: mAP ${formatPercent(mAP)}, of rare labels ${formatPercent(rare)}, F1 micro ${formatPercent(f1Micro)}, macro ${formatPercent(f1Macro)}`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
const of = (kind: string, score: keyof Scores) =>
  mean(rows.filter(({ classWeights }) => classWeights === kind).map((row) => row[score]));
await reportFigures('trainer bench:class-weights', {
  rows,
  ratio_none: of('balanced', 'mAP') / of('none', 'mAP'),
  ratio_none_f1_macro: of('balanced', 'f1Macro') / of('none', 'f1Macro'),
});
