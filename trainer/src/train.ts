import { basename, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { type ModelCard, modelId } from 'shared/model-card';
import { licencesOf, pretrainingOf } from './backbones/origin.ts';
import { backbones } from './backbones/registry.ts';
import { buildNetwork } from './build-network.ts';
import { sizeInEpoch, stretchStage, type TrainConfig } from './config/train-config.ts';
import { createRandom } from './datasets/random.ts';
import type { Splits } from './datasets/split.ts';
import { chooseFormats } from './export/choose-formats.ts';
import { type GraphModel, toArtifacts } from './export/graph-builder.ts';
import { toGraphModel } from './export/graph-model.ts';
import { schemes } from './export/quantize.ts';
import { writeModelDirectory } from './export/write-model-directory.ts';
import { loadGraph } from './load-model.ts';
import type { Plan } from './plan/plan.ts';
import { runPlan } from './plan/run.ts';
import { type PhotoSource, preparePhotos } from './prepare-photos.ts';
import { type Answers, evaluate, INFERENCE_BATCH } from './report/evaluate.ts';
import { measure } from './report/metrics.ts';
import { formatPercent, formatSeconds, startProgress } from './report/progress.ts';
import { collectResults } from './report/results.ts';
import { fitTemperature } from './report/temperature.ts';
import { saveOutcome, writeReport } from './report/write-report.ts';
import { startBackend } from './runtime/start-backend.ts';
import { type Examples, throughPlan } from './stages/examples.ts';
import { FeatureCache } from './stages/feature-cache.ts';
import { computeFeatures } from './stages/features.ts';
import { cutHead } from './stages/head.ts';
import { mixExamples } from './stages/mix-examples.ts';
import { Session, type SessionRun } from './stages/session.ts';

/** What a training has to do with the machine it runs on. */
export interface Run extends SessionRun, PhotoSource {
  /** Go on from the checkpoint in the run's directory. */
  readonly resume: boolean;
  /** The finished model goes here, in a folder named by its id. */
  readonly models: string;
  /** Id of the model; undefined for that of the data set. */
  readonly modelId: string | undefined;
  readonly backend: Parameters<typeof startBackend>[0];
  /** Of the processor; undefined for all cores. */
  readonly threads?: number | undefined;
  /** The command line, for the model card. */
  readonly command: string;
}

/** Trains a classifier in two stages, and exports and measures it. */
export async function train(config: TrainConfig, run: Run): Promise<ModelCard> {
  const { signal, say } = run;
  const backend = await startBackend(run.backend, say, { signal, threads: run.threads });
  say(`Backend: ${backend.description}.`);

  // Data.
  const { dataset, preprocess, splits, photos } = await preparePhotos(config, run);
  const id = run.modelId ?? modelIdOf(dataset.id, config);
  say(
    `${dataset.title}: ${photos.plain.length} pictures to train, ${photos.validation.length} to choose the checkpoint, ${photos.test.length} to test.`,
  );

  // Network.
  const classes = dataset.labels.length;
  const { plan, parameters } = await buildNetwork(config, classes, () =>
    photos.plain.inputs(
      [...Array(Math.min(INFERENCE_BATCH, photos.plain.length)).keys()],
      createRandom(config.seed),
    ),
  );
  const origin = { datasetHash: dataset.hash, backend: backend.name };
  const session = run.resume
    ? await Session.resume(run, plan, origin)
    : await Session.start(run, plan, { config, data: run.data, ...origin });
  await session.log({
    event: 'start',
    command: run.command,
    backend: backend.description,
    dataset: dataset.title,
    config,
    pictures: {
      train: photos.plain.length,
      validation: photos.validation.length,
      test: photos.test.length,
    },
    seconds: performance.now() / 1000,
  });
  const answersOf = (network: Plan, examples: Examples, title: string) =>
    answersTo(examples, title, (inputs) => runPlan(network, inputs), signal);

  // Stage 1. The trunk does not move, so its features are computed once, unless the head is to
  // learn from photos that are never twice the same.
  if (!session.isDone(1)) {
    const { trunk, head } = cutHead(plan);
    const cache = await FeatureCache.open({ ...origin, trunk, preprocess }, say);
    const featuresOf = (examples: Examples, name: keyof Splits) =>
      computeFeatures(trunk, examples, {
        batchSize: INFERENCE_BATCH,
        progress: startProgress(`Stage 1, ${name} features`, examples.length),
        signal,
        store: cache.storeOf(name, splits[name]),
      });
    const features = {
      train: config.stage1.augment
        ? throughPlan(trunk, photos.augmented)
        : await featuresOf(photos.plain, 'train'),
      validation: await featuresOf(photos.validation, 'validation'),
      test: await featuresOf(photos.test, 'test'),
    };
    await session.log({ event: 'features' });
    await cache.close();
    await session.run({
      number: 1,
      title: 'Stage 1',
      config: stretchStage(config.stage1, photos.plain.length),
      plan: head,
      examples: features.train,
      classes,
      validate: async () =>
        measure(await answersOf(head, features.validation, 'Stage 1, validation')),
    });
    // For the report: nothing is chosen by it.
    const { top1 } = measure(await answersOf(head, features.test, 'Stage 1, test'));
    session.stage1Accuracy = top1;
    await session.log({ event: 'stage-1-test', accuracy: top1 });
    await session.finish(1);
  }
  say(`After stage 1: ${formatPercent(session.stage1Accuracy ?? 0)} of the test pictures right.`);

  // Stage 2. Everything but BatchNorm moves, slowly.
  if (!session.isDone(2)) {
    const stage2 = stretchStage(config.stage2, photos.augmented.length);
    await session.run({
      number: 2,
      title: 'Stage 2',
      config: stage2,
      plan,
      examples: photos.augmented,
      classes,
      sizeIn: (epoch) => sizeInEpoch(config, epoch, stage2.epochs),
      mix: (batch, random) => mixExamples(batch, config.augment, random),
      validate: async () =>
        measure(await answersOf(plan, photos.validation, 'Stage 2, validation')),
    });
    await session.finish(2);
  }

  // Calibrate and export: what is measured is what is written.
  const temperature = fitTemperature(await answersOf(plan, photos.validation, 'Calibration'));
  await session.log({ event: 'calibrate', temperature });
  const formats =
    config.quantize === 'mixed'
      ? await chooseFormats(plan, preprocess, splits.validation, signal)
      : config.quantize;
  const model = await toGraphModel(plan, config.size, formats, temperature);
  const results = await collectResults({
    float32: await answersOf(plan, photos.test, 'Test, float32'),
    served: await servedAnswers(model, photos.test, signal),
    temperature,
    pictures: splits.test,
    seed: config.seed,
  });
  const { float32, quantized, uncalibrated } = results;
  await session.log({ event: 'test', float32: float32.top1, quantized: quantized.top1 });
  const directory = join(run.models, id);
  const card = await writeModelDirectory(directory, model, {
    id,
    title: `${backbones[config.backbone].title}, ${dataset.title}`,
    created: new Date().toISOString(),
    labels: dataset.labels.map((name) => ({ name })),
    architecture: { name: backbones[config.backbone].title, parameters },
    pretraining: pretrainingOf(config.backbone, config.weights),
    preprocess,
    quantization: schemes[config.quantize],
    accuracy: [
      {
        source: 'measured',
        dataset: dataset.title,
        split: 'test',
        pictures: quantized.pictures,
        float32: float32.top1,
        quantized: quantized.top1,
        ...(quantized.top5 === null ? {} : { top5: quantized.top5 }),
      },
    ],
    calibration: {
      temperature,
      pictures: photos.validation.length,
      ece: { before: uncalibrated.ece, after: quantized.ece },
    },
    training: {
      command: run.command,
      seconds: Math.round(session.seconds),
      // Of a path the last part only: the card is public.
      config: { ...config, weights: basename(config.weights) },
    },
    licences: [
      ...licencesOf(config.backbone, config.weights),
      { of: dataset.title, licence: dataset.licence },
    ],
  });
  say(
    `Test, ${quantized.pictures} pictures: ${formatPercent(float32.top1)} in float32, ${formatPercent(quantized.top1)} quantized (${(card.quantization.bytes / 1e6).toFixed(1)} MB), trained in ${formatSeconds(session.seconds)}.`,
  );
  say(`Written to ${directory}.`);
  await saveOutcome(run.directory, card, results);
  say(`Report: ${await writeReport(run.directory)}.`);
  return card;
}

/** A model of a part of the data must not take the place of one of all. */
function modelIdOf(dataset: string, { limit, name }: TrainConfig): string {
  const id = limit === null ? dataset : `${dataset}-${name}`;
  return modelId.safeParse(id).success ? id : 'photos';
}

/** As the Worker runs it. */
async function servedAnswers(
  model: GraphModel,
  test: Examples,
  signal: AbortSignal,
): Promise<Answers> {
  const graph = await loadGraph(toArtifacts(model));
  try {
    return await answersTo(test, 'Test, quantized', graph.run, signal);
  } finally {
    graph.dispose();
  }
}

function answersTo(
  examples: Examples,
  title: string,
  run: (inputs: tf.Tensor) => tf.Tensor,
  signal: AbortSignal,
): Promise<Answers> {
  const progress = startProgress(title, examples.length);
  return evaluate(run, examples, INFERENCE_BATCH, progress, signal);
}
