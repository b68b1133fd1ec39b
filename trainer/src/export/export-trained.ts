import { basename, join } from 'node:path';
import type { Arithmetic, ModelCard } from 'shared/contract/model-card';
import { licencesOf, pretrainingOf } from '../backbones/origin.ts';
import { backbones } from '../backbones/registry.ts';
import type { TrainConfig } from '../config/train-config.ts';
import type { BatchSource } from '../data/batches.ts';
import type { PreparedImages } from '../data/prepare-images.ts';
import { fitTemperature } from '../evaluation/calibration.ts';
import { evaluate, type Predictions } from '../evaluation/evaluate.ts';
import { validationOf } from '../evaluation/label-metrics.ts';
import { measurePhotos, type PhotoFolder, REAL_PHOTOS } from '../evaluation/measure-photos.ts';
import { formatPercent, formatSeconds, startProgress } from '../files/progress.ts';
import { graft } from '../files/project.ts';
import { type Classifier, loadGraph, type Network } from '../models/load-model.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { saveOutcome, writeReport } from '../report/write-report.ts';
import { readRunLog } from '../runs/run-log.ts';
import type { Session } from '../training/session.ts';
import type { SessionRun } from '../training/stage.ts';
import { chooseFormats } from './choose-formats.ts';
import { fitKnownScore } from './fit-known-score.ts';
import { type GraphModel, toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';
import { measureTrained } from './measure-trained.ts';
import { describeQuantization } from './quantize.ts';
import { type CardDraft, writeModelDirectory } from './write-model-directory.ts';

/** A trained network, with everything needed to export it. */
export interface Trained extends PreparedImages {
  /** Id of the model. */
  readonly id: string;
  readonly config: TrainConfig;
  readonly plan: Plan;
  /** Number of weights, including BatchNorm. */
  readonly parameters: number;
  readonly session: Session;
  /** Real photos to measure the model on in addition to the test images. */
  readonly realPhotos: PhotoFolder | undefined;
  readonly run: SessionRun & {
    readonly models: string;
    /** Whether the model of the same id stays the current one. */
    readonly candidate?: boolean;
    readonly publicCommand: string;
  };
}

/**
 * Calibrates, quantizes and measures a trained network, and writes its model directory and the run's
 * report. The measured model is exactly the written one.
 *
 * @throws TrainerError `disk_full`
 */
export async function exportTrained(trained: Trained): Promise<ModelCard> {
  const { id, config, plan, parameters, dataset, preprocess, splits, images, validates } = trained;
  const { session, run } = trained;
  const labels = dataset.labels.map((name) => ({ name }));
  const { signal, say } = run;
  const predictionsOf = (source: BatchSource, title: string) => {
    const progress = startProgress(title, source.length);
    return evaluate((inputs) => runPlan(plan, inputs), source, { progress, signal });
  };
  // Images that it was trained on would say that it is always right.
  const validation = validates ? await predictionsOf(images.validation, 'Calibration') : undefined;
  const temperature = validation ? fitTemperature(validation) : 1;
  await session.log({ event: 'calibrate', temperature });
  const formats =
    config.quantize === 'mixed'
      ? await chooseFormats(plan, preprocess, splits.validation, signal)
      : config.quantize;
  const quantization = describeQuantization(config.quantize, config.arithmetic);
  const graph = await toGraphModel(plan, config.size, formats, temperature);
  const { model, knownScore } = validates
    ? await fitKnownScore(graph, {
        preprocess,
        arithmetic: quantization.arithmetic ?? 'float32',
        classes: labels.length,
        splits,
        keep: config.keepKnown,
        seed: config.seed,
        signal,
      })
    : { model: graph };
  const record = {
    float32: await predictionsOf(images.test, 'Test, float32'),
    served: await servedPredictions(model, images.test, signal, quantization.arithmetic),
    temperature,
    images: splits.test,
    seed: config.seed,
  };
  const { results, accuracy, multiLabel, summary } = await measureTrained(record, validation);
  const { quantized, uncalibrated } = results;
  // The Worker falls back to float32 arithmetic without relaxed SIMD.
  const inFloat32 =
    quantization.arithmetic === 'int8'
      ? validationOf(await servedPredictions(model, images.test, signal, 'float32'))
      : null;
  const onPhotos =
    trained.realPhotos &&
    (await measureOnPhotos(trained.realPhotos, {
      preprocess,
      labels,
      float32: (inputs) => runPlan(plan, inputs),
      served: await loadGraph(toArtifacts(model), quantization.arithmetic),
    }));
  const { float32 } = accuracy;
  await session.log({ event: 'test', float32, quantized: accuracy.quantized });
  // The command of a resumed session names only the run, so the first session's is used.
  const started = (await readRunLog(run.directory)).find((line) => line.event === 'start');
  const draft: CardDraft = {
    id,
    title: `${backbones[config.backbone].title}, ${dataset.title}`,
    created: new Date().toISOString(),
    labels,
    architecture: { name: backbones[config.backbone].title, parameters },
    pretraining: pretrainingOf(config.backbone, config.weights),
    preprocess,
    quantization,
    accuracy: [
      {
        source: 'measured',
        dataset: dataset.title,
        split: splits.test.set === dataset.test ? 'test' : 'held out',
        ...accuracy,
        ...(inFloat32 && { quantizedInFloat32: inFloat32.accuracy }),
      },
      ...(onPhotos ? [onPhotos] : []),
    ],
    ...(validates && {
      calibration: {
        temperature,
        images: images.validation.length,
        ece: { before: uncalibrated.ece, after: quantized.ece },
      },
    }),
    ...(knownScore && { knownScore }),
    ...(multiLabel && { multiLabel }),
    training: {
      command: started?.publicCommand ?? started?.command ?? run.publicCommand,
      seconds: Math.round(session.seconds),
      // Of a path the last part only: the card is public.
      config: { ...config, weights: basename(config.weights) },
      data: { hash: dataset.hash, images: images.plain.length },
    },
    licences: [
      ...licencesOf(config.backbone, config.weights),
      { of: dataset.title, licence: dataset.licence },
    ],
  };
  const written = await writeModelDirectory(join(run.models, id), model, draft, run.candidate);
  const { card, directory } = written;
  say(
    `${summary} (${(card.quantization.bytes / 1e6).toFixed(1)} MB); trained in ${formatSeconds(session.seconds)}.`,
  );
  if (onPhotos) {
    say(`Accuracy on real photos (${onPhotos.images}): ${formatPercent(onPhotos.quantized)}.`);
  }
  say(`Model written to ${directory}.`);
  if (run.candidate) {
    say(`It serves no request until it is promoted: ${graft(`promote ${basename(directory)}`)}`);
  }
  await saveOutcome(run.directory, card, results);
  say(`Report: ${await writeReport(run.directory)}.`);
  return card;
}

/** The card's accuracy on real photos, which need not cover all classes. */
async function measureOnPhotos(
  photos: PhotoFolder,
  {
    float32,
    served,
    ...network
  }: Pick<Classifier, 'preprocess' | 'labels'> & {
    readonly float32: Network['run'];
    readonly served: Network;
  },
) {
  try {
    const before = await measurePhotos({ ...network, run: float32 }, photos);
    const after = await measurePhotos({ ...network, run: served.run }, photos);
    return {
      source: 'measured',
      dataset: REAL_PHOTOS,
      split: 'photos',
      images: after.photos,
      float32: before.right / before.photos,
      quantized: after.right / after.photos,
    } as const;
  } finally {
    served.dispose();
  }
}

/** The predictions of the model as the Worker computes them. */
async function servedPredictions(
  model: GraphModel,
  test: BatchSource,
  signal: AbortSignal,
  arithmetic: Arithmetic = 'float32',
): Promise<Predictions> {
  const graph = await loadGraph(toArtifacts(model), arithmetic);
  const progress = startProgress(`Test, quantized, in ${arithmetic}`, test.length);
  try {
    return await evaluate(graph.run, test, { progress, signal });
  } finally {
    graph.dispose();
  }
}
