import { basename, join } from 'node:path';
import type { Arithmetic, ModelCard } from 'shared/contract/model-card';
import { licencesOf, pretrainingOf } from '../backbones/origin.ts';
import { backbones } from '../backbones/registry.ts';
import { createRandom } from '../config/random.ts';
import type { TrainConfig } from '../config/train-config.ts';
import type { BatchSource } from '../data/batches.ts';
import { medianSide } from '../data/median-side.ts';
import type { PreparedImages } from '../data/prepare-images.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { whole } from '../datasets/split.ts';
import { fitTemperature } from '../evaluation/calibration.ts';
import { evaluate, type Predictions } from '../evaluation/evaluate.ts';
import { evaluatePlan } from '../evaluation/evaluate-plan.ts';
import { formatKnownScore } from '../evaluation/format-known-score.ts';
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
import { refitHead } from './head/refit-head.ts';
import { measureTrained } from './measure-trained.ts';
import { describeQuantization, hasEightBits } from './quantize.ts';
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
  const { id, session, run } = trained;
  const { say } = run;
  const built = await buildModel(trained);
  const measured = await measureModel(trained, built);
  const { float32, quantized } = measured.accuracy;
  await session.log({ event: 'test', float32, quantized });
  const draft = await draftCard(trained, built, measured);
  const { model } = built;
  const written = await writeModelDirectory(join(run.models, id), model, draft, run.candidate);
  const { card, directory } = written;
  say(
    `${measured.summary} (${(card.quantization.bytes / 1e6).toFixed(1)} MB); trained in ${formatSeconds(session.seconds)}.`,
  );
  const { onPhotos } = measured;
  if (onPhotos) {
    say(`Accuracy on real photos (${onPhotos.images}): ${formatPercent(onPhotos.quantized)}.`);
  }
  if (trained.counterExamples && card.knownScore) say(formatKnownScore(card.knownScore));
  say(`Model written to ${directory}.`);
  if (run.candidate) {
    say(`It serves no request until it is promoted: ${graft(`promote ${basename(directory)}`)}`);
  }
  await saveOutcome(run.directory, card, measured.results);
  say(`Report: ${await writeReport(run.directory)}.`);
  return card;
}

/** Calibrates and quantizes the network, and adds the score that tells unknown images. */
async function buildModel(trained: Trained) {
  const { config, plan, dataset, preprocess, splits, images, validates, session, run } = trained;
  const { counterExamples } = trained;
  const { signal } = run;
  // Images that it was trained on would say that it is always right.
  const validation = validates
    ? await evaluatePlan(plan, images.validation, 'Calibration', signal)
    : undefined;
  const temperature = validation ? fitTemperature(validation) : 1;
  await session.log({ event: 'calibrate', temperature });
  const formats =
    config.quantize === 'mixed'
      ? await chooseFormats(plan, preprocess, splits.validation, signal)
      : config.quantize;
  const quantization = describeQuantization(config.quantize, config.arithmetic);
  const { arithmetic = 'float32' } = quantization;
  const stored = await toGraphModel(plan, config.size, formats, temperature);
  const graph = hasEightBits(config.quantize)
    ? await refitHead(stored, await toGraphModel(plan, config.size, 'float32', temperature), {
        ...{ preprocess, arithmetic, signal },
        ...{ train: splits.train, seed: config.seed },
      })
    : stored;
  const scored = validates
    ? await fitKnownScore(graph, {
        preprocess,
        arithmetic,
        classes: dataset.labels.length,
        splits,
        counterExamples: counterExamples && whole(counterExamples),
        keep: config.keepKnown,
        seed: config.seed,
        signal,
      })
    : { model: graph, knownScore: undefined };
  return { ...scored, validation, temperature, quantization };
}

type Built = Awaited<ReturnType<typeof buildModel>>;

async function measureModel(
  { config, plan, dataset, preprocess, splits, images, realPhotos, run }: Trained,
  { model, validation, temperature, quantization }: Built,
) {
  const { signal } = run;
  const { arithmetic } = quantization;
  const served = await loadGraph(toArtifacts(model), arithmetic);
  try {
    const record = {
      float32: await evaluatePlan(plan, images.test, 'Test, float32', signal),
      served: await predictionsOf(served, images.test, signal, arithmetic),
      temperature,
      images: splits.test,
      seed: config.seed,
      explain: served.explain && explainIn(images.test, served.explain),
    };
    const measured = await measureTrained(record, validation);
    const onPhotos =
      realPhotos &&
      (await measureOnPhotos(realPhotos, {
        preprocess,
        labels: labelsOf(dataset),
        float32: (inputs) => runPlan(plan, inputs),
        served,
      }));
    const inFloat32 =
      arithmetic === 'int8' ? await measureInFloat32(model, images.test, signal) : null;
    return { ...measured, inFloat32, onPhotos };
  } finally {
    served.dispose();
  }
}

/** The Worker falls back to float32 arithmetic without relaxed SIMD. */
async function measureInFloat32(model: GraphModel, test: BatchSource, signal: AbortSignal) {
  const graph = await loadGraph(toArtifacts(model), 'float32');
  try {
    return validationOf(await predictionsOf(graph, test, signal, 'float32'));
  } finally {
    graph.dispose();
  }
}

/** Nothing is augmented, so that what is random is of no account. */
function explainIn(test: BatchSource, explain: NonNullable<Network['explain']>) {
  return async (index: number, label: number) => {
    const input = await test.inputs([index], createRandom(0));
    try {
      return explain(input, label);
    } finally {
      input.dispose();
    }
  };
}

async function draftCard(
  trained: Trained,
  { knownScore, temperature, quantization }: Built,
  { results, accuracy, multiLabel, inFloat32, onPhotos }: Awaited<ReturnType<typeof measureModel>>,
): Promise<CardDraft> {
  const { config, dataset, preprocess, splits, images, validates, session, run } = trained;
  const { title } = backbones[config.backbone];
  // The command of a resumed session names only the run, so the first session's is used.
  const started = (await readRunLog(run.directory)).find((line) => line.event === 'start');
  return {
    id: trained.id,
    title: `${title}, ${dataset.title}`,
    created: new Date().toISOString(),
    labels: labelsOf(dataset),
    architecture: { name: title, parameters: trained.parameters },
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
        ece: { before: results.uncalibrated.ece, after: results.quantized.ece },
      },
    }),
    ...(knownScore && { knownScore }),
    ...(multiLabel && { multiLabel }),
    training: {
      command: started?.publicCommand ?? started?.command ?? run.publicCommand,
      seconds: Math.round(session.seconds),
      // Of a path the last part only: the card is public.
      config: { ...config, weights: basename(config.weights) },
      data: {
        hash: dataset.hash,
        images: images.plain.length,
        side: await medianSide(splits.train),
      },
    },
    licences: [
      ...licencesOf(config.backbone, config.weights),
      { of: dataset.title, licence: dataset.licence },
    ],
  };
}

function labelsOf({ labels }: Dataset): ModelCard['labels'] {
  return labels.map((name) => ({ name }));
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
}

/** The predictions of a model as the Worker computes them. */
function predictionsOf(
  graph: Network,
  test: BatchSource,
  signal: AbortSignal,
  arithmetic: Arithmetic = 'float32',
): Promise<Predictions> {
  const progress = startProgress(`Test, quantized, in ${arithmetic}`, test.length);
  return evaluate(graph.run, test, { progress, signal });
}
