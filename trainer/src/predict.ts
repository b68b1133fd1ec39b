import * as tf from '@tensorflow/tfjs';
import type { Prediction } from 'shared/answers';
import { ImageError } from 'shared/images/image-error';
import type { Picture } from 'shared/images/preprocess';
import { preprocess } from 'shared/images/preprocess-node';
import { topPredictions } from 'shared/predictions';
import { decodingThreads } from './decoding/decoding-threads.ts';
import { TrainerError } from './errors.ts';
import type { Classifier } from './load-model.ts';

const FETCH_TIMEOUT_MS = 30_000;

/**
 * What a network sees in a picture.
 *
 * @param source path or `http(s)` url of a picture
 * @returns the `top` most probable classes, the most probable first
 * @throws TrainerError `dataset_invalid` where it is no picture, `download_failed`
 */
export async function predict(
  { preprocess: spec, labels, run }: Classifier,
  source: string,
  top: number,
): Promise<Prediction[]> {
  const input = preprocess(await readPicture(source, spec.size), spec);
  const probabilities = tf.tidy(() =>
    run(tf.tensor4d(input, [1, spec.size, spec.size, 3])).dataSync<'float32'>(),
  );
  return topPredictions(probabilities, labels, top);
}

async function readPicture(source: string, size: number): Promise<Picture> {
  const file = isUrl(source) ? await download(source) : source;
  try {
    return (await decodingThreads.decode(file, size)).picture;
  } catch (cause) {
    throw unreadable(source, cause);
  }
}

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

async function download(url: string): Promise<Uint8Array> {
  const failed = (what: string, cause?: unknown) =>
    new TrainerError('download_failed', `Expected a picture from ${url}, but ${what}.`, cause);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw failed(`its host answered ${response.status}`);
    return await response.bytes();
  } catch (cause) {
    if (cause instanceof TrainerError) throw cause;
    throw failed('it could not be fetched', cause);
  }
}

function unreadable(source: string, cause: unknown): TrainerError {
  const reason = cause instanceof ImageError ? `: ${cause.message}` : ', but it cannot be read.';
  return new TrainerError('dataset_invalid', `Expected a picture at ${source}${reason}`, cause);
}

/** Rows as of Keras' `decode_predictions`: synset id where there is one, label, probability. */
export function formatPredictions(predictions: readonly Prediction[], title?: string): string {
  const rows = predictions.map(({ synset, label, probability }) =>
    [...(synset ? [synset] : []), `${label.padEnd(32)}${probability.toFixed(4)}`].join('  '),
  );
  return title === undefined ? rows.join('\n') : [`${title}:`, ...rows, ''].join('\n');
}
