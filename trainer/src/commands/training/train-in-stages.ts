import { basename, dirname, join } from 'node:path';
import { type ModelCard, modelId } from 'shared/contract/model-card';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { startBackend } from '../../backends/start-backend.ts';
import type { Random } from '../../config/random.ts';
import { configs } from '../../config/registry.ts';
import { sizeInEpoch, stretchStage } from '../../config/stage-length.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { type BatchSource, drawInputs, throughPlan } from '../../data/batches.ts';
import { type Batch, mixBatch } from '../../data/mix-batch.ts';
import { type DataOptions, prepareImages } from '../../data/prepare-images.ts';
import { type Dataset, hasSeveralLabels } from '../../datasets/dataset.ts';
import type { Splits } from '../../datasets/split.ts';
import { TrainerError } from '../../errors.ts';
import { evaluate, INFERENCE_BATCH } from '../../evaluation/evaluate.ts';
import { validationOf } from '../../evaluation/label-metrics.ts';
import { listPhotos } from '../../evaluation/measure-photos.ts';
import { exportTrained, type Trained } from '../../export/export-trained.ts';
import { prepareFolder, refuseOtherContent, requireRoom } from '../../files/output-folder.ts';
import { formatPercent, formatSeconds, startProgress } from '../../files/progress.ts';
import { buildNetwork } from '../../models/build-network.ts';
import { cutHead } from '../../models/head.ts';
import { type Plan, parametersOf, trainableParametersOf } from '../../plan/plan.ts';
import { runPlan } from '../../plan/run.ts';
import { printable } from '../../printable.ts';
import { byName, snapshot } from '../../runs/checkpoint.ts';
import { budgetTime } from '../../training/budget-time.ts';
import { FeatureCache } from '../../training/feature-cache.ts';
import { computeFeatures } from '../../training/features.ts';
import { interpolateKernels } from '../../training/interpolate-kernels.ts';
import { Session } from '../../training/session.ts';
import { solveHead } from '../../training/solve-head.ts';
import { accuracyName, type SessionRun } from '../../training/stage.ts';
import { hashWeights } from '../../weights/hash-weights.ts';

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

  // What stands in the way of the results, or in their place, shows before the work.
  await prepareFolder(run.resume ? run.directory : dirname(run.directory));
  await prepareFolder(run.models);
  if (run.modelId !== undefined) await refuseOtherContent(join(run.models, run.modelId));

  // Data. What is wrong with it shows before anything is downloaded for the backend.
  const weightsHash = await hashWeights(recipe.weights);
  const prepared = await prepareImages(recipe, run);
  const { dataset, preprocess, splits, images, validates } = prepared;
  const multiLabel = hasSeveralLabels(dataset);
  if (multiLabel && run.photos !== undefined) {
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
  say(
    `${dataset.title}: ${images.plain.length} images to train, ${choosing}, ${images.test.length} to test.`,
  );

  const backend = await startBackend(run.backend, say, { signal, threads: run.threads });
  say(`Backend: ${backend.description}.`);

  // Network.
  const classes = dataset.labels.length;
  const sample = () => drawInputs(images.plain, INFERENCE_BATCH, recipe.seed);
  const { plan, parameters } = await buildNetwork(recipe, classes, sample, multiLabel);
  // The weights, the best ones and Adam's two moments, as a checkpoint and the one that replaces it.
  await requireRoom(dirname(run.directory), 2 * 4 * 4 * parameters);
  await requireRoom(run.models, 2 * 4 * parameters);
  // Read before a checkpoint takes their place.
  const pretrained = await snapshot(byName(parametersOf(cutHead(plan).trunk)), '');
  const counts = {
    train: images.plain.length,
    validation: validates ? images.validation.length : 0,
    test: images.test.length,
  };
  const tuningOf = (config: TrainConfig) => {
    const stage = stretchStage(config.stage2, images.augmented.length);
    return {
      ...{ plan, source: images.augmented, classes, config: stage },
      sizeIn: (epoch: number) => sizeInEpoch(config, epoch, stage.epochs),
      mix: (batch: Batch, random: Random) => mixBatch(batch, config.augment, random),
    };
  };
  const config = run.resume
    ? recipe
    : await budgetTime(recipe, { ...run, step: tuningOf(recipe), images: counts });
  if (run.enoughKey) say(`${run.enoughKey} ends it early, and exports the best weights so far.`);
  const origin = {
    datasetHash: dataset.hash,
    weightsHash,
    backend: backend.name,
  };
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
    ...(multiLabel && { multiLabel }),
    config,
    images: counts,
    seconds: performance.now() / 1000,
  });
  if (!run.readOnly) say(`Watch it in a browser: ${run.watchCommand}`);
  const predictionsOf = (network: Plan, source: BatchSource, title: string) => {
    const progress = startProgress(title, source.length);
    return evaluate((x) => runPlan(network, x), source, { progress, signal });
  };
  const metricsOf = async (...task: Parameters<typeof predictionsOf>) =>
    validationOf(await predictionsOf(...task));

  // Stage 1. The trunk does not move, so its features are computed once, unless the head is to
  // learn from photos that are never twice the same.
  if (!session.isDone(1)) {
    const { trunk, head } = cutHead(plan);
    const begin = performance.now();
    const cache = await FeatureCache.open({ ...origin, trunk, preprocess }, say);
    const featuresOf = (source: BatchSource, name: keyof Splits) =>
      computeFeatures(trunk, source, {
        batchSize: INFERENCE_BATCH,
        progress: startProgress(`Stage 1, ${name} features`, source.length),
        signal,
        store: cache.storeOf(name, splits[name]),
      });
    const train = config.stage1.augment
      ? throughPlan(trunk, images.augmented)
      : await featuresOf(images.plain, 'train');
    // Without images to validate on, they are among the training images.
    const validation = validates ? await featuresOf(images.validation, 'validation') : undefined;
    const test = await featuresOf(images.test, 'test');
    const looked = [config.stage1.augment ? [] : train, validation ?? [], test].flat();
    say(
      `Stage 1, features of ${looked.reduce((sum, { length }) => sum + length, 0)} images: ${formatSeconds((performance.now() - begin) / 1000)}.`,
    );
    await session.log({ event: 'features' });
    await cache.close();
    const stage1 = {
      number: 1,
      title: 'Stage 1',
      config: stretchStage(config.stage1, images.plain.length),
      plan: head,
      source: train,
      classes,
      validate: validation && (() => metricsOf(head, validation, 'Stage 1, validation')),
    } as const;
    if (config.stage1.solve) {
      const { loss } = await solveHead({ ...stage1, head, seed: config.seed, signal });
      await session.adopt(stage1, loss);
    } else {
      await session.run(stage1);
    }
    // For the report: nothing is chosen by it.
    const { accuracy } = await metricsOf(head, test, 'Stage 1, test');
    session.stage1Accuracy = accuracy;
    await session.log({ event: 'stage-1-test', accuracy });
    await session.finish(1);
  }
  const after = formatPercent(session.stage1Accuracy ?? 0);
  say(
    `After stage 1: ${multiLabel ? `test ${accuracyName(plan)} ${after}` : `${after} of the test images right`}.`,
  );

  // Stage 2. Everything but BatchNorm moves, slowly.
  if (!session.isDone(2)) {
    await session.run({
      ...tuningOf(config),
      number: 2,
      title: 'Stage 2',
      validate: validates
        ? () => metricsOf(plan, images.validation, 'Stage 2, validation')
        : undefined,
    });
    if (config.stage2.interpolate && validates && config.weights !== 'none') {
      const interpolation = await interpolateKernels(
        trainableParametersOf(cutHead(plan).trunk),
        pretrained,
        () => predictionsOf(plan, images.validation, 'Interpolation'),
      );
      if (interpolation) {
        const { share, loss } = interpolation;
        say(
          `Interpolation: ${formatPercent(share)} of the fine-tuned kernels and ${formatPercent(1 - share)} of the pretrained; validation loss ${loss.before.toFixed(4)} before, ${loss.after.toFixed(4)} after.`,
        );
        await session.log({ event: 'interpolate', ...interpolation });
      }
    }
    await session.finish(2);
  }

  return { ...prepared, id, config, plan, parameters, session, run, realPhotos };
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
