import { KNOWN_FROM } from 'shared/contract/known-score';
import { predictionsOf, topPredictions } from 'shared/contract/predictions';
import type { ClassifyResponse, Prediction } from 'shared/contract/responses';
import type { UnknownPolicy } from 'shared/contract/wire';
import { sha256Hex } from '../access/sha256-hex.ts';
import { decode } from '../input/decode.ts';
import { preprocess } from '../input/preprocess.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import { prepareModel, withModel } from '../models/model.ts';
import type { ListedModel } from '../models/models-index.ts';
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
}

/** Reads, decodes and preprocesses an image file, and computes its predictions. */
export function classifyImage(
  source: ImageSource,
  { version, directory, card }: ListedModel,
  { top, unknown }: Wanted,
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
      const outputs = model.classify(input);
      return { outputs, preprocessMs, inferenceMs: lap() };
    });
    const score = inferred.outputs[card.labels.length];
    const known = score === undefined || score >= KNOWN_FROM;
    const response: ClassifyResponse = {
      model: { id: card.id, version },
      image: { width, height, format, bytes: bytes.length },
      ...(score === undefined ? {} : { known, score }),
      ...(card.multiLabel && { multiLabel: true }),
      predictions: known || unknown === 'only' ? predictionsOf(inferred.outputs, card, top) : [],
    };
    return {
      response,
      best: topPredictions(inferred.outputs, card.labels, 1)[0],
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
