import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '../../backends/start-backend.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { drawInputs } from '../../data/batches.ts';
import { type DataOptions, prepareImages } from '../../data/prepare-images.ts';
import { hasSeveralLabels } from '../../datasets/dataset.ts';
import { TrainerError } from '../../errors.ts';
import { INFERENCE_BATCH } from '../../evaluation/evaluate.ts';
import { evaluatePlan } from '../../evaluation/evaluate-plan.ts';
import { validationOf } from '../../evaluation/label-metrics.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { appendLine } from '../../files/write-atomically.ts';
import { buildNetwork } from '../../models/build-network.ts';
import { parametersOf } from '../../plan/plan.ts';
import {
  byName,
  type Checkpoint,
  checkpointIn,
  loadCheckpoint,
  requireSameOrigin,
  restore,
  saveCheckpoint,
  withPrefix,
} from '../../runs/checkpoint.ts';
import { logIn, readRunLog } from '../../runs/run-log.ts';
import { makeSoup, type Soup, type Weights } from '../../sweeps/soup.ts';
import { hashWeights } from '../../weights/hash-weights.ts';

/** What may differ between runs that share their start and their validation images. */
const FREE: readonly (keyof TrainConfig)[] = [
  'name',
  'stage2',
  'quantize',
  'arithmetic',
  'keepKnown',
];

export interface SoupRun extends Omit<DataOptions, 'data'> {
  readonly backend: Parameters<typeof startBackend>[0];
  readonly threads: number | undefined;
  readonly command: string;
}

/** A finished run. */
export interface FinishedRun extends Checkpoint {
  readonly name: string;
  readonly directory: string;
}

/** @throws TrainerError `checkpoint_invalid`, `run_invalid` for a run that is not finished */
export async function loadFinished(directory: string, name: string): Promise<FinishedRun> {
  const checkpoint = await loadCheckpoint(checkpointIn(directory));
  if (checkpoint.header.stage === 3) return { ...checkpoint, name, directory };
  throw new TrainerError(
    'run_invalid',
    `Expected finished runs for a soup, but ${name} is not: resume it, or leave it out.`,
  );
}

/** The first thing in which two runs differ and must not; undefined where they share their start. */
export function differenceOf({ header: a }: FinishedRun, { header: b }: FinishedRun) {
  if (a.datasetHash !== b.datasetHash) return 'images';
  if (a.weightsHash !== b.weightsHash) return 'pretrained weights';
  const isFree = (field: keyof TrainConfig) =>
    FREE.includes(field) || (field === 'augment' && !a.config.stage1.augment);
  return (Object.keys(a.config) as (keyof TrainConfig)[]).find(
    (field) => !isFree(field) && !isDeepStrictEqual(a.config[field], b.config[field]),
  );
}

/**
 * Averages the weights of runs as far as that does not make them worse on the validation images, and writes what
 * comes of it as a run, unless a single run is best.
 *
 * @param into folder of the run to write
 * @throws TrainerError `config_invalid` for runs that do not share their start
 */
export async function soupOfRuns(
  runs: readonly FinishedRun[],
  into: string,
  options: SoupRun,
): Promise<Soup> {
  const [first] = runs as readonly [FinishedRun];
  for (const other of runs) {
    const difference = differenceOf(first, other);
    if (difference === undefined) continue;
    throw new TrainerError(
      'config_invalid',
      `Expected runs that share their start for a soup, but ${first.name} and ${other.name} differ in ${difference}: only stage2 and augment may differ.`,
    );
  }
  const { header } = first;
  const { config } = header;
  const { say, signal } = options;
  const prepared = await prepareImages(config, {
    ...options,
    data: header.data,
    labels: header.labels,
  });
  const origin = {
    datasetHash: prepared.dataset.hash,
    weightsHash: await hashWeights(config.weights),
  };
  requireSameOrigin(header, origin, checkpointIn(first.directory));
  if (!prepared.validates) {
    throw new TrainerError('config_invalid', 'Expected validation images, which decide on a soup.');
  }
  const backend = await startBackend(options.backend, say, { signal, threads: options.threads });
  say(`Backend: ${backend.description}.`);
  const { images, dataset } = prepared;
  const sample = () => drawInputs(images.plain, INFERENCE_BATCH, config.seed);
  const several = hasSeveralLabels(dataset);
  const { plan } = await buildNetwork(config, dataset.labels.length, sample, several);
  const measureWeights = async (weights: Weights, name: string) => {
    restore(byName(parametersOf(plan)), weights);
    return validationOf(await evaluatePlan(plan, images.validation, `Soup, ${name}`, signal));
  };
  try {
    const ingredients = runs.map(({ name, tensors }) => ({
      name,
      weights: withPrefix(tensors, 'parameters/'),
    }));
    const soup = await makeSoup(ingredients, measureWeights);
    if (soup.members.length > 1) await writeRun(into, soup, runs, options.command);
    return soup;
  } finally {
    tf.disposeVariables();
  }
}

/** The best member's run, with the average for its weights. */
async function writeRun(
  into: string,
  { members, weights, score, single }: Soup,
  runs: readonly FinishedRun[],
  command: string,
): Promise<void> {
  const best = runs.find(({ name }) => name === members[0]) as FinishedRun;
  await makeFolder(into);
  await saveCheckpoint(checkpointIn(into), {
    header: { ...best.header, best: { epoch: 0, ...score } },
    tensors: new Map([...weights].map(([name, tensor]) => [`parameters/${name}`, tensor])),
  });
  const time = new Date().toISOString();
  const log = await readRunLog(best.directory);
  const start = log.findLast((line) => line.event === 'start');
  const stage1 = log.findLast((line) => line.event === 'stage-1-test');
  const soup = { event: 'soup', members, accuracy: score.accuracy, single: single.accuracy };
  for (const line of [
    { ...start, command, publicCommand: command, resume: undefined },
    stage1,
    soup,
  ]) {
    if (line) await appendLine(logIn(into), JSON.stringify({ ...line, time }));
  }
}

/** Where a soup's run goes. */
export function soupIn(runs: string, { name }: TrainConfig): string {
  return join(runs, `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${name}-soup`);
}
