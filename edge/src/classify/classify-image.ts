import { knownOf } from 'shared/contract/known-score';
import { predictionsOf, topPredictions } from 'shared/contract/predictions';
import type { ClassifyResponse, Prediction } from 'shared/contract/responses';
import type { UnknownPolicy } from 'shared/contract/wire';
import { sha256Hex } from '../access/sha256-hex.ts';
import { decode } from '../input/decode.ts';
import { preprocess } from '../input/preprocess.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import { type Explained, type Model, prepareModel, withModel } from '../models/model.ts';
import type { ListedModel } from '../models/models-index.ts';
import { ProblemError } from '../problem.ts';
import type { Admission } from './admission.ts';
import type { ImageSource } from './image-source.ts';

/**
 * Milliseconds of each stage. The clock of a deployed Worker advances only at I/O (so that it cannot
 * measure secrets): there, every stage but the first reads 0, and only `wrangler dev` shows them all.
 */
export type Timings = Readonly<Record<string, number>>;

export interface Classification {
  readonly response: ClassifyResponse;
  readonly etag: string;
  /** The most probable class, also where the response withholds it; undefined of a cached response. */
  readonly best?: Prediction | undefined;
  readonly timings: Timings;
  /** Whether caches other than the caller's own client may keep the response. */
  readonly isCacheable: boolean;
}

/** What a request asks about its image. */
export interface Wanted {
  /** How many predictions the response has at most, where an image has one label. */
  readonly top: number;
  /** Whether an unknown image's predictions are left out, `reject`, or only its score says so. */
  readonly unknown: UnknownPolicy;
  /** Whether the response has an explanation. */
  readonly explain?: boolean | undefined;
}

/** Reads, decodes and preprocesses an image file, and computes its predictions. */
export function classifyImage(
  source: ImageSource,
  { version, directory, card }: ListedModel,
  { top, unknown, explain = false }: Wanted,
  { env, limits }: Admission,
): Promise<Classification> {
  const { maxHeldBytes, maxLoadedModels } = limits;
  return withByteBudget(maxHeldBytes, async (budget) => {
    prepareModel(env, directory, maxLoadedModels);
    const lap = startLaps();
    const { bytes, isCacheable } = await source.read(budget);
    const readMs = lap();
    const { format, width, height, image } = await decode(
      bytes,
      limits,
      card.preprocess.size,
      env.IMAGES,
    );
    const decodeMs = lap();
    const inferred = await withModel(env, directory, maxLoadedModels, (model) => {
      // The wait for the model belongs to no stage.
      lap();
      // Nothing is awaited in here: other requests preprocess into the same memory.
      const input = preprocess(image, card.preprocess, model.input);
      const preprocessMs = lap();
      const { outputs, mapOf } = explain
        ? explained(model, input)
        : { outputs: model.classify(input) };
      const best = topPredictions(outputs, card.labels, 1)[0] as Prediction;
      const explanation = mapOf && explanationOf(best, mapOf);
      return { outputs, best, explanation, preprocessMs, inferenceMs: lap() };
    });
    const { best, explanation } = inferred;
    const scored = knownOf(inferred.outputs[card.labels.length]);
    const isShown = scored?.known !== false || unknown === 'only';
    const response: ClassifyResponse = {
      model: { id: card.id, version },
      image: { width, height, format, bytes: bytes.length },
      ...scored,
      ...(card.multiLabel && { multiLabel: true }),
      predictions: isShown ? predictionsOf(inferred.outputs, card, top) : [],
      ...(explanation && isShown && { explanation }),
    };
    return {
      response,
      best,
      etag: `"${(await sha256Hex(JSON.stringify(response))).slice(0, 32)}"`,
      timings: {
        [source.stage]: readMs,
        decode: decodeMs,
        preprocess: inferred.preprocessMs,
        inference: inferred.inferenceMs,
      },
      isCacheable,
    };
  });
}

/** @throws ProblemError `invalid_request` for a model of which no maps can be read */
function explained(model: Model, input: Float32Array) {
  if (model.explain) return model.explain(input);
  throw new ProblemError(
    'invalid_request',
    `Expected a model whose head is average pooling and one dense layer to explain a prediction, but ${model.card.id} has another; ask without explain.`,
  );
}

function explanationOf({ label, index }: Prediction, mapOf: Explained['mapOf']) {
  const { rows, columns, values } = mapOf(index);
  return { label, rows, columns, values: Array.from(values, (value) => Number(value.toFixed(3))) };
}

/** @returns a function that returns the milliseconds since its last call */
function startLaps(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const ms = now - last;
    last = now;
    return ms;
  };
}
