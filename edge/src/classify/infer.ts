import type { ClassifyResponse } from 'shared/contract/responses';
import { decode } from '../input/decode.ts';
import { preprocess } from '../input/preprocess.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import { type Model, prepareModel, withModel } from '../models/model.ts';
import type { ListedModel } from '../models/models-index.ts';
import type { Admission } from './admission.ts';
import type { ImageSource } from './image-source.ts';

/**
 * Milliseconds of each stage. The clock of a deployed Worker advances only at I/O (so that it cannot
 * measure secrets): there, every stage but the first reads 0, and only `wrangler dev` shows them all.
 */
export type Timings = Readonly<Record<string, number>>;

/** What a model computed of an image file. */
export interface Inferred<T> {
  readonly result: T;
  readonly image: ClassifyResponse['image'];
  readonly timings: Timings;
  /** Whether caches other than the caller's own client may keep what is said of the image. */
  readonly isCacheable: boolean;
}

/**
 * Reads, decodes and preprocesses an image file, and runs a model on it.
 *
 * @param compute gets the loaded model and the input for it, `[size, size, 3]`, neither of which it may keep
 * @throws ProblemError of every kind that the source, the decoders and the models have
 */
export function infer<T>(
  source: ImageSource,
  { directory, card }: ListedModel,
  { env, limits }: Admission,
  compute: (model: Model, input: Float32Array) => T,
): Promise<Inferred<T>> {
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
      return { result: compute(model, input), preprocessMs, inferenceMs: lap() };
    });
    return {
      result: inferred.result,
      image: { width, height, format, bytes: bytes.length },
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
