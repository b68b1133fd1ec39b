import * as tf from '@tensorflow/tfjs';
import { knownOf } from 'shared/contract/known-score';
import { predictionsOf } from 'shared/contract/predictions';
import type { Prediction } from 'shared/contract/responses';
import type { Image } from 'shared/images/image';
import { ImageError } from 'shared/images/image-error';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { decodingThreads } from '../datasets/decoding/decoding-threads.ts';
import { TrainerError } from '../errors.ts';
import { readRegularFile, Unreadable } from '../files/open-regular-file.ts';
import type { Classifier } from '../models/load-model.ts';

const FETCH_TIMEOUT_MS = 15_000;

/** Of an image's file. */
const MAX_BYTES = 200e6;

/** What a network sees in an image, as the Worker's response says it. */
export interface Seen {
  /** Whether the image shows one of the classes at all; absent where the model has no score for that. */
  readonly known?: boolean;
  /** 0–1. */
  readonly score?: number;
  /** The most probable classes, or all labels of an image that may have several, most probable first. */
  readonly predictions: Prediction[];
}

/**
 * @param source path or `http(s)` url of an image
 * @param top how many classes at most
 * @throws TrainerError `dataset_invalid` where it is no image, `download_failed`
 */
export async function predict(
  { preprocess: spec, labels, multiLabel, run, outputs }: Classifier,
  source: string,
  top: number,
): Promise<Seen> {
  const input = preprocess(await readImage(source, spec.size), spec);
  let values: Float32Array[] = [];
  tf.tidy(() => {
    const image = tf.tensor4d(input, [1, spec.size, spec.size, 3]);
    values = (outputs?.(image) ?? [run(image)]).map((output) => output.dataSync<'float32'>());
  });
  const [probabilities = new Float32Array(), scores] = values;
  return {
    ...knownOf(scores?.[0]),
    predictions: predictionsOf(probabilities, { labels, multiLabel }, top),
  };
}

/**
 * @param source path or `http(s)` url
 * @param size side of the network's input, for which a large image is reduced
 * @throws TrainerError `dataset_invalid` where it is no image, `download_failed`
 */
export async function readImage(source: string, size: number): Promise<Image> {
  const file = isUrl(source) ? await download(source) : await readImageFile(source);
  try {
    return (await decodingThreads.decode(file, size)).image;
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    throw new TrainerError(
      'dataset_invalid',
      `Expected an image at ${source}. ${cause.message}`,
      cause,
    );
  }
}

async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    const file = await readRegularFile(path, MAX_BYTES);
    if (file.length > 0) return file;
  } catch (cause) {
    if (cause instanceof Unreadable) throw invalid(path, cause.message, cause);
    throw cause;
  }
  throw invalid(path, 'the file is empty');
}

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** @throws TrainerError `download_failed` */
async function download(url: string): Promise<Uint8Array> {
  const failed = (what: string, cause?: unknown) =>
    new TrainerError('download_failed', `Expected an image from ${url}, but ${what}.`, cause);
  if (!URL.canParse(url)) throw failed('this is no url');
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  } catch (cause) {
    throw failed(whyNotFetched(cause), cause);
  }
  try {
    if (!response.ok) throw failed(`its host answered with the status ${response.status}`);
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
    if (/^(text\/|application\/(json|xhtml|xml|pdf))/i.test(type)) {
      throw failed(
        `its host answered with ${type.slice(0, 100)}: give the url of the image itself`,
      );
    }
    const bytes = await readBody(response, MAX_BYTES);
    if (bytes === undefined) throw failed(`it has more than ${MAX_BYTES / 1e6} MB`);
    if (bytes.length === 0) throw failed('its host answered with nothing');
    return bytes;
  } catch (cause) {
    if (cause instanceof TrainerError) throw cause;
    throw failed(whyNotFetched(cause, 'the transfer broke off'), cause);
  } finally {
    // What nobody reads would keep the connection, and the process with it.
    if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
  }
}

/** @returns undefined for a body of more bytes, which is not read to its end */
async function readBody(response: Response, mostBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Node's `fetch failed` tells why in its cause only. */
function whyNotFetched(error: unknown, otherwise = 'it could not be fetched'): string {
  const { name, cause } = error as Error;
  if (name === 'TimeoutError') return `it took more than ${FETCH_TIMEOUT_MS / 1000} seconds`;
  const { code = '', message = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  if (message === 'redirect count exceeded') return 'its redirects have no end';
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no host of that name, or no network';
    case 'ECONNREFUSED':
      return 'its host refused the connection';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'its host broke off the connection';
    default:
      return /^(CERT_|ERR_TLS_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/.test(code)
        ? 'its certificate is not valid'
        : otherwise;
  }
}

function invalid(source: string, but: string, cause?: unknown): TrainerError {
  return new TrainerError('dataset_invalid', `Expected an image at ${source}, but ${but}.`, cause);
}

/** Rows as of Keras' `decode_predictions`: synset id where there is one, label, probability. */
export function formatPredictions({ known, score, predictions }: Seen, title?: string): string {
  const rows = predictions.map(({ synset, label, probability }) =>
    [...(synset ? [synset] : []), `${label.padEnd(32)}${probability.toFixed(4)}`].join('  '),
  );
  if (rows.length === 0) rows.push('none of the labels');
  if (known === false) rows.unshift(`none of these, most likely (score ${score?.toFixed(2)})`);
  return title === undefined ? rows.join('\n') : [`${title}:`, ...rows, ''].join('\n');
}
