import { knownOf } from 'shared/contract/known-score';
import { predictionsOf, topPredictions } from 'shared/contract/predictions';
import type { ClassifyResponse, Prediction } from 'shared/contract/responses';
import type { UnknownPolicy } from 'shared/contract/wire';
import { sha256Hex } from '../access/sha256-hex.ts';
import type { Explained, Model } from '../models/model.ts';
import type { ListedModel } from '../models/models-index.ts';
import { ProblemError } from '../problem.ts';
import type { Admission } from './admission.ts';
import type { ImageSource } from './image-source.ts';
import { infer, type Timings } from './infer.ts';

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
export async function classifyImage(
  source: ImageSource,
  listed: ListedModel,
  { top, unknown, explain = false }: Wanted,
  admission: Admission,
): Promise<Classification> {
  const { version, card } = listed;
  const { result, image, timings, isCacheable } = await infer(
    source,
    listed,
    admission,
    (model, input) => {
      const { outputs, mapOf } = explain
        ? explained(model, input)
        : { outputs: model.classify(input) };
      const best = topPredictions(outputs, card.labels, 1)[0] as Prediction;
      return { outputs, best, explanation: mapOf && explanationOf(best, mapOf) };
    },
  );
  const { outputs, best, explanation } = result;
  const scored = knownOf(outputs[card.labels.length]);
  const isShown = scored?.known !== false || unknown === 'only';
  const response: ClassifyResponse = {
    model: { id: card.id, version },
    image,
    ...scored,
    ...(card.multiLabel && { multiLabel: true }),
    predictions: isShown ? predictionsOf(outputs, card, top) : [],
    ...(explanation && isShown && { explanation }),
  };
  const etag = `"${(await sha256Hex(JSON.stringify(response))).slice(0, 32)}"`;
  return { response, best, etag, timings, isCacheable };
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
