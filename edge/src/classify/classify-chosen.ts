import { waitUntil } from 'cloudflare:workers';
import type { ClassifyResponse } from 'shared/contract/responses';
import type { ChosenModel } from '../models/choose-model.ts';
import type { ListedModel } from '../models/models-index.ts';
import type { Admission } from './admission.ts';
import { classify, type ServedClassification } from './classify.ts';
import { classifyImage, type Wanted } from './classify-image.ts';
import type { ImageSource } from './image-source.ts';

/**
 * Says what an image shows by the version that was chosen; a shadow computes the image after the response,
 * if it was not in the cache, and the log gets a line.
 *
 * @throws ProblemError as {@link classify} does
 */
export async function classifyChosen(
  source: ImageSource,
  { model, shadow }: ChosenModel,
  wanted: Wanted,
  admission: Admission,
): Promise<ServedClassification> {
  if (!shadow) return classify(source, model, wanted, admission);
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
  if (bytes) waitUntil(compare(bytes, result.response, shadow, admission));
  return result;
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
