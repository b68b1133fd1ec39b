import { waitUntil } from 'cloudflare:workers';
import type { KeptImage } from 'shared/contract/feedback';
import type { ClassifyResponse } from 'shared/contract/responses';
import { keepImage, nameImage } from '../feedback/kept-images.ts';
import type { FeedbackLimits } from '../limits.ts';
import type { ChosenModel } from '../models/choose-model.ts';
import type { ListedModel } from '../models/models-index.ts';
import type { Admission } from './admission.ts';
import { classify, type ServedClassification } from './classify.ts';
import { classifyImage, type Wanted } from './classify-image.ts';
import type { ImageSource } from './image-source.ts';

/**
 * Says what an image shows by the version that was chosen. Of an image that was not in the cache, a shadow
 * computes the same after the response, and the log gets a line; and the bucket FEEDBACK, where it is
 * bound, keeps it if it is doubtful.
 *
 * @throws ProblemError as {@link classify} does
 */
export async function classifyChosen(
  source: ImageSource,
  { model, shadow }: ChosenModel,
  wanted: Wanted,
  admission: Admission,
): Promise<ServedClassification> {
  const { FEEDBACK } = admission.env;
  if (!shadow && !FEEDBACK) return classify(source, model, wanted, admission);
  let bytes: Uint8Array | undefined;
  const watched: ImageSource = {
    ...source,
    read: async (budget) => {
      const image = await source.read(budget);
      bytes = image.bytes;
      return image;
    },
  };
  const result = await classify(watched, model, wanted, admission);
  if (!bytes) return result;
  if (shadow) waitUntil(compare(bytes, result.response, shadow, admission));
  return FEEDBACK ? keepDoubtful(FEEDBACK, bytes, result, admission.limits.feedback) : result;
}

/** The metadata of an object has at most 2 KB. */
const MOST_LABELS = 10;

/** @returns the result, with the name under which the image is kept after the response */
function keepDoubtful(
  bucket: R2Bucket,
  bytes: Uint8Array,
  result: ServedClassification,
  limits: FeedbackLimits,
): ServedClassification {
  const { response, decisive } = result;
  const { known = true, score, multiLabel, predictions, model, image } = response;
  if (!decisive || (known && decisive.confidence >= limits.doubtfulBelow)) return result;
  const { label, index, probability } = decisive.prediction;
  const id = bytes.length <= limits.maxBytes ? nameImage(model.id, index) : undefined;
  if (id === undefined) return result;
  const about: KeptImage = {
    format: image.format,
    predicted: label,
    probability,
    ...(score === undefined ? {} : { score }),
    ...(multiLabel && { labels: predictions.slice(0, MOST_LABELS).map((one) => one.label) }),
    model: model.id,
    version: model.version,
    at: new Date().toISOString(),
  };
  const kept = keepImage(bucket, id, bytes, about, limits);
  waitUntil(kept.catch((error) => console.error('A doubtful image could not be kept.', error)));
  // The cache has the response without the name, under the hash of that.
  return { ...result, response: { ...response, feedback: id }, etag: `"${id}"` };
}

/** Writes a line of JSON: what both versions say of an image, and whether that is the same. */
async function compare(
  bytes: Uint8Array,
  response: ClassifyResponse,
  candidate: ListedModel,
  admission: Admission,
): Promise<void> {
  // The response leaves the isolate first.
  await scheduler.wait(1);
  const source: ImageSource = {
    stage: 'receive',
    read: async (budget) => {
      budget.take(bytes.length);
      return { bytes, isCacheable: false };
    },
  };
  try {
    const asked = { top: 1, unknown: 'only' } as const;
    const shadow = (await classifyImage(source, candidate, asked, admission)).response;
    const [served, tried] = [summarize(response), summarize(shadow)];
    // A response that withholds the predictions of an unknown image says no label.
    const agrees = served.known === tried.known && [tried.label, undefined].includes(served.label);
    console.log(
      JSON.stringify({ event: 'shadow', model: candidate.id, agrees, served, candidate: tried }),
    );
  } catch (error) {
    console.error(`The candidate ${candidate.directory} could not classify an image.`, error);
  }
}

function summarize({ model: { version }, known = true, predictions: [first] }: ClassifyResponse) {
  return { version, known, label: first?.label, probability: first?.probability };
}
