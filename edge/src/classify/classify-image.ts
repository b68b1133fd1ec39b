import { knownOf } from 'shared/contract/known-score';
import { type Decisive, decisiveOf, predictionsOf } from 'shared/contract/predictions';
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
  /** Also of predictions that the response withholds; undefined of a cached response. */
  readonly decisive?: Decisive | undefined;
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
  /** Whether the response explains its first prediction, or each where an image may have several labels. */
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
      const decisive = decisiveOf(outputs, card);
      const predictions = predictionsOf(outputs, card, top);
      const asked = card.multiLabel ? predictions : predictions.slice(0, 1);
      const maps = mapOf && asked.map((prediction) => explanationOf(prediction, mapOf));
      return { score: outputs[card.labels.length], decisive, predictions, maps };
    },
  );
  const { score, decisive, predictions, maps } = result;
  const scored = knownOf(score);
  const isShown = scored?.known !== false || unknown === 'only';
  const response: ClassifyResponse = {
    model: { id: card.id, version },
    image,
    ...scored,
    ...(card.multiLabel && { multiLabel: true }),
    predictions: isShown ? predictions : [],
    ...(maps && isShown && (card.multiLabel ? { explanations: maps } : { explanation: maps[0] })),
  };
  const etag = `"${(await sha256Hex(JSON.stringify(response))).slice(0, 32)}"`;
  return { response, decisive, etag, timings, isCacheable };
}

/** @throws ProblemError `invalid_request` for a model of which no maps can be read */
function explained(model: Model, input: Float32Array) {
  if (model.explain) return model.explain(input);
  throw new ProblemError(
    'invalid_request',
    `Expected a model that ends in average pooling or flattening, and dense layers, to explain a prediction, but ${model.card.id} ends in another way; ask without explain.`,
  );
}

function explanationOf({ label, index }: Prediction, mapOf: Explained['mapOf']) {
  const { rows, columns, values } = mapOf(index);
  return { label, rows, columns, values: Array.from(values, (value) => Number(value.toFixed(3))) };
}
