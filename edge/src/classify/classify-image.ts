import { topPredictions } from 'shared/contract/predictions';
import type { ClassifyResponse } from 'shared/contract/responses';
import type { Env } from '../env.ts';
import { decode, type Photo } from '../input/decode.ts';
import { preprocess } from '../input/preprocess.ts';
import type { Limits } from '../limits.ts';
import type { Model } from '../models/model.ts';
import { loadModelCard } from '../models/models-index.ts';

/**
 * Milliseconds of each stage. A deployed Worker's clock stands still but for I/O (so that it cannot
 * measure secrets): there all but `fetch` read 0, and only `wrangler dev` shows them.
 */
export type Timings = Readonly<Record<string, number>>;

export interface Classification {
  readonly answer: ClassifyResponse;
  readonly timings: Timings;
}

/** An image that waits for its model. */
interface DecodedImage extends Photo {
  readonly bytes: number;
  readonly decodeMs: number;
}

/**
 * Decodes an image file, which can be done while the model is on its way.
 *
 * @param directory of the model that the image is for
 * @throws ProblemError `unsupported_image`, `broken_image`, `too_many_pixels`
 */
export async function decodeImage(
  file: Uint8Array,
  directory: string,
  limits: Limits,
  env: Env,
): Promise<DecodedImage> {
  const { size } = (await loadModelCard(env, directory)).card.preprocess;
  const lap = startLaps();
  const photo = await decode(file, limits, size, env.IMAGES);
  return { ...photo, bytes: file.length, decodeMs: lap() };
}

/** Says what an image shows. It does not wait: no request can come between. */
export function classifyImage(
  { format, width, height, image, bytes, decodeMs }: DecodedImage,
  model: Model,
  top: number,
): Classification {
  const { card, version } = model;
  const lap = startLaps();
  const input = preprocess(image, card.preprocess, model.input);
  const preprocessMs = lap();
  const probabilities = model.classify(input);
  const inferenceMs = lap();
  return {
    answer: {
      model: { id: card.id, version },
      image: { width, height, format, bytes },
      predictions: topPredictions(probabilities, card.labels, top),
    },
    timings: { decode: decodeMs, preprocess: preprocessMs, inference: inferenceMs },
  };
}

/** @returns a function that says how many milliseconds have passed since its last call */
export function startLaps(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const ms = now - last;
    last = now;
    return ms;
  };
}
