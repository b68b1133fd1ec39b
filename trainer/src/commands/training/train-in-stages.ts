import { basename, dirname, join } from 'node:path';
import { type ModelCard, modelId } from 'shared/contract/model-card';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { startBackend } from '../../backends/start-backend.ts';
import { configs } from '../../config/registry.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { drawInputs } from '../../data/batches.ts';
import { type DataOptions, prepareImages } from '../../data/prepare-images.ts';
import { type Dataset, hasSeveralLabels } from '../../datasets/dataset.ts';
import { TrainerError } from '../../errors.ts';
import { INFERENCE_BATCH } from '../../evaluation/evaluate.ts';
import { formatAccuracy } from '../../evaluation/format-accuracy.ts';
import { listPhotos } from '../../evaluation/measure-photos.ts';
import { exportTrained, type Trained } from '../../export/export-trained.ts';
import { prepareFolder, refuseOtherContent, requireRoom } from '../../files/output-folder.ts';
import { formatPercent } from '../../files/progress.ts';
import { buildNetwork } from '../../models/build-network.ts';
import { cutHead } from '../../models/head.ts';
import { parametersOf } from '../../plan/plan.ts';
import { printable } from '../../printable.ts';
import { byName, snapshot } from '../../runs/checkpoint.ts';
import { budgetTime } from '../../training/budget-time.ts';
import { Session } from '../../training/session.ts';
import { accuracyName, type SessionRun } from '../../training/stage.ts';
import { hashWeights } from '../../weights/hash-weights.ts';
import { fineTune, type Training, trainHead, tuningOf } from './stages.ts';

/** What a training has to do with the machine it runs on. */
export interface Run extends SessionRun, DataOptions {
  /** Go on from the checkpoint in the run's directory. */
  readonly resume: boolean;
  /** The finished model goes here, in a folder named by its id. */
  readonly models: string;
  /** Whether the model of the same id stays the current one, beside the new one. */
  readonly candidate?: boolean;
  /** A folder of real photos, by class, to measure the finished model on too. */
  readonly photos?: string | undefined;
  /** Id of the model; undefined for that of the data set. */
  readonly modelId: string | undefined;
  readonly backend: Parameters<typeof startBackend>[0];
  /** Of the processor; undefined for all cores. */
  readonly threads?: number | undefined;
  /** How long the training may take; undefined for as long as the recipe says. */
  readonly minutes?: number | undefined;
  /** The key that aborts `enough`, to be said on the screen. */
  readonly enoughKey?: string;
  /** The command line as it was typed, for the log and the report. */
  readonly command: string;
  /** The same for the model card, without what it says of the machine. */
  readonly publicCommand: string;
  /** The command that continues the run, for the log. */
  readonly resumeCommand: string;
  /** The command that shows the run in a browser while it goes on. */
  readonly watchCommand: string;
}

/** Trains a classifier in two stages, and exports and measures it. */
export async function trainInStages(recipe: TrainConfig, run: Run): Promise<ModelCard> {
  return exportTrained(await runStages(recipe, run));
}

/** Trains a classifier in two stages. Its checkpoint and log are all that it leaves. */
export async function runStages(recipe: TrainConfig, run: Run): Promise<Trained> {
  const { signal, say } = run;
  const { id, prepared, realPhotos, weightsHash } = await prepareTraining(recipe, run);
  const { dataset, images } = prepared;
  const backend = await startBackend(run.backend, say, { signal, threads: run.threads });
  say(`Backend: ${backend.description}.`);

  const sample = () => drawInputs(images.plain, INFERENCE_BATCH, recipe.seed);
  const several = hasSeveralLabels(dataset);
  const { plan, parameters } = await buildNetwork(recipe, dataset.labels.length, sample, several);
  // The weights, the best ones and Adam's two moments, as a checkpoint and the one that replaces it.
  await requireRoom(dirname(run.directory), 2 * 4 * 4 * parameters);
  await requireRoom(run.models, 2 * 4 * parameters);
  // Read before a checkpoint takes their place.
  const pretrained = await snapshot(byName(parametersOf(cutHead(plan).trunk)), '');
  const counts = {
    train: images.plain.length,
    validation: prepared.validates ? images.validation.length : 0,
    test: images.test.length,
  };
  const step = tuningOf(recipe, plan, prepared);
  const config = run.resume ? recipe : await budgetTime(recipe, { ...run, step, images: counts });
  if (run.enoughKey) say(`${run.enoughKey} ends it early, and exports the best weights so far.`);
  const origin = { datasetHash: dataset.hash, weightsHash, backend: backend.name };
  const session = run.resume
    ? await Session.resume(run, plan, origin)
    : await Session.start(run, plan, { config, data: run.data, labels: run.labels, ...origin });
  await session.log({
    event: 'start',
    command: run.command,
    publicCommand: run.publicCommand,
    resume: run.resumeCommand,
    backend: backend.description,
    dataset: dataset.title,
    ...(several && { multiLabel: several }),
    config,
    images: counts,
    seconds: performance.now() / 1000,
  });
  if (!run.readOnly) say(`Watch it in a browser: ${run.watchCommand}`);

  const training: Training = { config, plan, origin, prepared, session, run };
  if (!session.isDone(1)) await trainHead(training);
  const stage1 = session.stage1Accuracy ?? 0;
  // Without the interval, a few images more or fewer after stage 2 would look like a verdict on it.
  say(
    several
      ? `After stage 1: test ${accuracyName(plan)} ${formatPercent(stage1)}.`
      : `After stage 1: test accuracy ${formatAccuracy({ top1: stage1, images: counts.test })}.`,
  );
  if (!session.isDone(2)) await fineTune(training, pretrained);
  return { ...prepared, id, config, plan, parameters, session, run, realPhotos };
}

/** Whatever stands in the way of the results shows here, before anything is downloaded for the backend. */
async function prepareTraining(recipe: TrainConfig, run: Run) {
  await prepareFolder(run.resume ? run.directory : dirname(run.directory));
  await prepareFolder(run.models);
  if (run.modelId !== undefined) await refuseOtherContent(join(run.models, run.modelId));

  const weightsHash = await hashWeights(recipe.weights);
  const prepared = await prepareImages(recipe, run);
  const { dataset, images, validates } = prepared;
  if (hasSeveralLabels(dataset) && run.photos !== undefined) {
    throw new TrainerError(
      'config_invalid',
      'Expected no --photos with --labels: photos in class folders have one label each.',
    );
  }
  const realPhotos =
    run.photos === undefined ? undefined : await listPhotos(run.photos, dataset.labels);
  const id = run.modelId ?? modelIdOf(dataset.id, recipe);
  announceId(id, dataset, run);
  await refuseOtherContent(join(run.models, id));
  await announceReplacement(join(run.models, id), dataset.labels, run);
  const choosing = validates
    ? `${images.validation.length} to choose the checkpoint`
    : 'none to choose the checkpoint, since a class has few';
  run.say(
    `${dataset.title}: ${images.plain.length} images to train, ${choosing}, ${images.test.length} to test.`,
  );
  return { id, prepared, realPhotos, weightsHash };
}

/** Says what the model is called where that is not the folder's name, which its user will look for. */
function announceId(id: string, dataset: Dataset, { data, modelId, say }: Run): void {
  const isNamedByFolder = dataset.title === printable(basename(data ?? ''));
  if (modelId !== undefined || !isNamedByFolder || dataset.title === id) return;
  say(
    `The model's id is ${id}, since ids are up to 64 lower-case letters, digits and hyphens; --id chooses another.`,
  );
}

/**
 * Says which model the result will replace.
 *
 * @throws TrainerError `config_invalid` for one of other classes, unless the user chose its id
 */
async function announceReplacement(
  directory: string,
  labels: readonly string[],
  { say, modelId, resume, candidate }: Run,
): Promise<void> {
  const found = await readModelCard(modelFiles(directory)).catch(() => undefined);
  if (!found || resume || candidate) return;
  const { title, accuracy, labels: others } = found.card;
  if (modelId === undefined && others.map(({ name }) => name).join() !== labels.join()) {
    throw new TrainerError(
      'config_invalid',
      `There is another model at ${directory}, ${title}, of ${others.length} classes: choose an id for yours with --id.`,
    );
  }
  const measured = accuracy.find(({ source }) => source === 'measured');
  const right = measured ? `, ${formatPercent(measured.quantized ?? measured.float32)} right` : '';
  say(`The result will replace the model ${title}${right}, at ${directory}; --id keeps both.`);
}

/** A model of a part of the data must not take the place of one of all. */
function modelIdOf(dataset: string, { limit, name }: TrainConfig): string {
  const part = limit === configs[name]?.limit ? name : `${name}-${limit}`;
  const id = limit === null ? dataset : `${dataset}-${part}`;
  return modelId.safeParse(id).success ? id : 'photos';
}
