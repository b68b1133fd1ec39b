import type { ClassifyAnswer } from 'shared/answers';
import { topPredictions } from 'shared/predictions';
import type { Limits } from './limits.ts';
import type { Model } from './model.ts';
import { decode } from './pictures/decode.ts';
import { preprocess } from './preprocess.ts';

/**
 * Milliseconds of each stage. A deployed Worker's clock stands still but for I/O (so that it cannot
 * measure secrets): there all but `fetch` read 0, and only `wrangler dev` shows them.
 */
export type Timings = Readonly<Record<string, number>>;

export interface Classification {
  readonly answer: ClassifyAnswer;
  readonly timings: Timings;
}

/**
 * Says what a picture file shows.
 *
 * @throws ProblemError `unsupported_picture`, `broken_picture`, `too_many_pixels`
 */
export async function classifyPicture(
  file: Uint8Array,
  model: Model,
  top: number,
  limits: Limits,
  images: ImagesBinding | undefined,
): Promise<Classification> {
  const { card, version } = model;
  const lap = startLaps();
  const { format, width, height, picture } = await decode(
    file,
    limits,
    card.preprocess.size,
    images,
  );
  const decodeMs = lap();
  // No request can come between: what follows does not wait.
  const input = preprocess(picture, card.preprocess, model.input);
  const preprocessMs = lap();
  const probabilities = model.classify(input);
  const inferenceMs = lap();
  return {
    answer: {
      model: { id: card.id, version },
      image: { width, height, format, bytes: file.length },
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
