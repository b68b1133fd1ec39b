import { relative, resolve } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import { imageBatches } from '../data/batches.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { TrainerError } from '../errors.ts';
import { formatPercent, startProgress } from '../files/progress.ts';
import { averageFlips } from '../models/average-flips.ts';
import { loadModel } from '../models/load-model.ts';
import { printable } from '../printable.ts';
import { evaluate } from './evaluate.ts';
import {
  chooseImages,
  type Evaluation,
  type EvaluationTask,
  matchLabels,
  requireImages,
} from './evaluate-model.ts';
import { mcnemar } from './mcnemar.ts';
import { topPrediction } from './metrics.ts';

/** A model in a comparison. */
interface Compared {
  readonly id: string;
  readonly version: string;
  /** Number of images that it gets right. */
  readonly right: number;
  /** Number of images that it alone gets right. */
  readonly alone: number;
}

/** Two models on the same images. */
export interface Comparison {
  readonly dataset: string;
  readonly split: Evaluation['split'];
  readonly images: number;
  readonly model: Compared;
  readonly against: Compared;
  /** That models that are equally good would differ so much, 0–1. */
  readonly pValue: number;
  /** Images whose prediction differs. */
  readonly changed: readonly {
    /** Relative to the folder of images; null where the data set has no files. */
    readonly file: string | null;
    readonly label: string;
    readonly predicted: string;
    readonly against: string;
  }[];
}

/**
 * Compares a model directory with another on the images that the first one is measured on, as the Worker
 * runs both.
 *
 * @throws TrainerError `model_invalid`, `dataset_invalid`
 */
export async function compareModels(
  directory: string,
  against: string,
  options: EvaluationTask,
): Promise<Comparison> {
  const first = await loadModel(directory);
  const dataset = await openDataset(options.data, {
    ...{ ...options, purpose: 'measuring', size: first.preprocess.size, startProgress },
  }).catch((error: unknown) => {
    first.dispose();
    throw error;
  });
  const { part, split } = chooseImages(dataset, first.card);
  const answersOf = async (model: typeof first) => {
    try {
      requireOneLabel(model.card);
      requireImages(part, dataset, model.card);
      const classOf = matchLabels(dataset, model.card);
      const source = imageBatches(part, model.preprocess);
      const { run } = options.flip ? averageFlips(model) : model;
      const answers = await evaluate(run, source, {
        progress: startProgress(`Evaluation of ${model.card.id}`, source.length),
        signal: options.signal,
      });
      const predicted = part.indices.map((_, at) => topPrediction(answers, at).predicted);
      const isRight = predicted.map((one, at) => one === classOf[source.label(at)]);
      return { ...model, predicted, isRight };
    } finally {
      model.dispose();
    }
  };
  const one = await answersOf(first);
  const other = await answersOf(await loadModel(against));
  const count = (of: (at: number) => boolean | undefined) =>
    [...part.indices.keys()].filter(of).length;
  const compared = (a: typeof one, b: typeof one): Compared => ({
    ...{ id: a.card.id, version: a.version, right: count((at) => a.isRight[at]) },
    alone: count((at) => a.isRight[at] && !b.isRight[at]),
  });
  const [model, former] = [compared(one, other), compared(other, one)];
  const nameOf = ({ labels, predicted }: typeof one, at: number) =>
    labels[predicted[at] as number]?.name ?? '';
  const changed = [...part.indices.entries()].flatMap(([at, index]) => {
    const [predicted, before] = [nameOf(one, at), nameOf(other, at)];
    if (predicted === before) return [];
    const path = part.set.path?.(index);
    const file = path === undefined ? null : relative(resolve(options.data ?? ''), path);
    const label = dataset.labels[part.set.label(index)] as string;
    return [{ file, label, predicted, against: before }];
  });
  return {
    ...{ dataset: dataset.title, split, images: part.indices.length },
    ...{ model, against: former, pValue: mcnemar(model.alone, former.alone), changed },
  };
}

function requireOneLabel({ id, multiLabel }: ModelCard): void {
  if (!multiLabel) return;
  throw new TrainerError(
    'model_invalid',
    `Expected models of one label an image to compare, but ${id} gives several: compare what evaluate says of each.`,
  );
}

/** From which probability on a difference counts as chance. */
const CHANCE = 0.05;

/** @throws TrainerError `model_invalid` where the model gets fewer images right, by more than chance */
export function requireNoWorse(comparison: Comparison): void {
  const { model, against, images, pValue } = comparison;
  if (model.right >= against.right || pValue >= CHANCE) return;
  throw new TrainerError(
    'model_invalid',
    `Expected a version that is not worse than ${against.version}, but ${model.version} gets ${model.right} of ${images} images right instead of ${against.right}, which is more than chance: pass --force to promote it all the same.`,
  );
}

/** Changed images that the terminal shows; `--json` has all. */
const SHOWN = 20;

export function formatComparison(comparison: Comparison): string {
  const { dataset, images, model, against, pValue, changed, split } = comparison;
  const line = ({ id, version, right, alone }: Compared) =>
    `${id} ${version}: ${formatPercent(right / images)}, ${right} of ${images} right, ${alone} of them alone`;
  const p = pValue < 0.001 ? 'p < 0.001' : `p = ${pValue.toFixed(3)}`;
  const better = model.right > against.right ? 'better' : 'worse';
  const verdict =
    pValue >= CHANCE
      ? `The difference may be chance (McNemar's test, ${p}).`
      : `It is ${better} than the other, by more than chance (McNemar's test, ${p}).`;
  return [
    `${dataset}, ${split === 'all' ? 'all images, also what the models may have trained on' : `${split} images`}: ${images}`,
    line(model),
    line(against),
    verdict,
    ...(changed.length > 0 ? [`Predictions that differ: ${changed.length}.`] : []),
    ...changed
      .slice(0, SHOWN)
      .map(
        ({ file, label, predicted, against: before }) =>
          `  ${file === null ? '' : `${printable(file)}: `}${label}; ${before} → ${predicted}${mark(predicted, before, label)}`,
      ),
    ...(changed.length > SHOWN ? [`  … and ${changed.length - SHOWN} more: --json has all.`] : []),
  ].join('\n');
}

function mark(predicted: string, before: string, label: string): string {
  if (predicted === label) return ' (right now)';
  return before === label ? ' (was right)' : '';
}
