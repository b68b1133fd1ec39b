import { sizeInEpoch, stretchStage } from '../../config/stage-length.ts';
import { GENTLER, type TrainConfig } from '../../config/train-config.ts';
import { type BatchSource, throughPlan } from '../../data/batches.ts';
import type { PreparedImages } from '../../data/prepare-images.ts';
import type { Splits } from '../../datasets/split.ts';
import { INFERENCE_BATCH } from '../../evaluation/evaluate.ts';
import { evaluatePlan } from '../../evaluation/evaluate-plan.ts';
import { validationOf } from '../../evaluation/label-metrics.ts';
import { formatPercent, formatSeconds, startProgress } from '../../files/progress.ts';
import { cutHead } from '../../models/head.ts';
import { type Plan, trainableParametersOf } from '../../plan/plan.ts';
import type { CheckpointHeader } from '../../runs/checkpoint.ts';
import { FeatureCache } from '../../training/feature-cache.ts';
import { computeFeatures } from '../../training/features.ts';
import { interpolateKernels } from '../../training/interpolate-kernels.ts';
import type { Session } from '../../training/session.ts';
import { solveHead } from '../../training/solve-head.ts';
import type { SessionRun, Stage } from '../../training/stage.ts';

/** What the stages of a training work with. */
export interface Training {
  readonly config: TrainConfig;
  readonly plan: Plan;
  readonly origin: Pick<CheckpointHeader, 'datasetHash' | 'weightsHash' | 'backend'>;
  readonly prepared: PreparedImages;
  readonly session: Session;
  readonly run: SessionRun;
}

/**
 * Stage 1. The trunk does not move, so its features are computed once, unless the head is to learn from
 * photos that are never twice the same.
 */
export async function trainHead(training: Training): Promise<void> {
  const { config, plan, prepared, session, run } = training;
  const { trunk, head } = cutHead(plan);
  const { train, validation, test } = await computeAllFeatures(training, trunk);
  const metricsOf = async (source: BatchSource, title: string) =>
    validationOf(await evaluatePlan(head, source, title, run.signal));
  const stage = {
    number: 1,
    title: 'Stage 1',
    config: stretchStage(config.stage1, prepared.images.plain.length),
    plan: head,
    source: train,
    classes: prepared.dataset.labels.length,
    validate: validation && (() => metricsOf(validation, 'Stage 1, validation')),
  } as const;
  if (config.stage1.solve) {
    const { loss } = await solveHead({ ...stage, head, seed: config.seed, signal: run.signal });
    await session.adopt(stage, loss);
  } else {
    await session.run(stage);
  }
  // For the report: nothing is chosen by it.
  const { accuracy } = await metricsOf(test, 'Stage 1, test');
  session.stage1Accuracy = accuracy;
  await session.log({ event: 'stage-1-test', accuracy });
  await session.finish(1);
}

async function computeAllFeatures(
  { config, origin, prepared, session, run }: Training,
  trunk: Plan,
) {
  const { preprocess, splits, images, validates } = prepared;
  const begin = performance.now();
  const cache = await FeatureCache.open({ ...origin, trunk, preprocess }, run.say, {
    shared: run.features,
  });
  const featuresOf = (source: BatchSource, name: keyof Splits) =>
    computeFeatures(trunk, source, {
      batchSize: INFERENCE_BATCH,
      progress: startProgress(`Stage 1, ${name} features`, source.length),
      signal: run.signal,
      store: cache.storeOf(name, splits[name]),
    });
  const train = config.stage1.augment
    ? throughPlan(trunk, images.augmented)
    : await featuresOf(images.plain, 'train');
  // Without images to validate on, they are among the training images.
  const validation = validates ? await featuresOf(images.validation, 'validation') : undefined;
  const test = await featuresOf(images.test, 'test');
  const looked = [config.stage1.augment ? [] : train, validation ?? [], test].flat();
  run.say(
    `Stage 1, features of ${looked.reduce((sum, { length }) => sum + length, 0)} images: ${formatSeconds((performance.now() - begin) / 1000)}.`,
  );
  await session.log({ event: 'features' });
  await cache.close();
  return { train, validation, test };
}

/**
 * Stage 2. Everything but BatchNorm moves, slowly; then, where the recipe says so, the kernels move back
 * towards the pretrained ones as far as validation allows.
 *
 * @param pretrained the trunk's weights before any training
 */
export async function fineTune(
  { config, plan, prepared, session, run }: Training,
  pretrained: Parameters<typeof interpolateKernels>[1],
): Promise<void> {
  const { images, validates } = prepared;
  const validate = (title: string) => evaluatePlan(plan, images.validation, title, run.signal);
  const stage = {
    ...tuningOf(config, plan, prepared),
    number: 2,
    title: 'Stage 2',
    validationImages: images.validation.length,
    validate: validates
      ? async () => validationOf(await validate('Stage 2, validation'))
      : undefined,
  } as const;
  await session.run(stage, config.stage2.retry ? gentlerStage(stage, images) : undefined);
  if (config.stage2.interpolate && validates && config.weights !== 'none') {
    const interpolation = await interpolateKernels(
      trainableParametersOf(cutHead(plan).trunk),
      pretrained,
      () => validate('Interpolation'),
    );
    if (interpolation) {
      const { share, loss } = interpolation;
      run.say(
        `Interpolation: ${formatPercent(share)} of the fine-tuned kernels and ${formatPercent(1 - share)} of the pretrained; validation loss ${loss.before.toFixed(4)} before, ${loss.after.toFixed(4)} after.`,
      );
      await session.log({ event: 'interpolate', ...interpolation });
    }
  }
  await session.finish(2);
}

/** For where a rate is too high for the pretrained weights, or crops leave out what an image is about. */
function gentlerStage(stage: Stage, { gentlyAugmented }: PreparedImages['images']): Stage {
  const peakLearningRate = stage.config.peakLearningRate * GENTLER.rate;
  return {
    ...stage,
    title: `${stage.title} again`,
    source: gentlyAugmented,
    config: { ...stage.config, peakLearningRate },
  };
}

/** How stage 2 sees the images. */
export function tuningOf(config: TrainConfig, plan: Plan, { dataset, images }: PreparedImages) {
  const stage = stretchStage(config.stage2, images.augmented.length);
  return {
    ...{ plan, source: images.augmented, classes: dataset.labels.length, config: stage },
    sizeIn: (epoch: number) => sizeInEpoch(config, epoch, stage.epochs),
  };
}
