import type { ListedModel } from '../models/models-index.ts';
import { ProblemError } from '../problem.ts';
import type { Admission } from './admission.ts';
import type { ImageSource } from './image-source.ts';
import { type Inferred, infer } from './infer.ts';

/**
 * Reads an image file and computes its embedding: the features that the model's last dense layer reads, divided
 * by their norm, so that the product of two embeddings is the cosine between them.
 *
 * @returns `[width]` float32 of norm 1
 * @throws ProblemError as {@link infer} does, and `invalid_request` for a model that ends in another way
 */
export function embedImage(
  source: ImageSource,
  listed: ListedModel,
  admission: Admission,
): Promise<Inferred<Float32Array<ArrayBuffer>>> {
  return infer(source, listed, admission, ({ card, embed }, input) => {
    if (embed) return toUnit(embed(input));
    throw new ProblemError(
      'invalid_request',
      `Expected a model that ends in a dense layer, but ${card.id} ends in another way; ask another model.`,
    );
  });
}

/** Features of zeros stay so. */
function toUnit(features: Float32Array): Float32Array<ArrayBuffer> {
  let squares = 0;
  for (const value of features) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return Float32Array.from(features, (value) => value * factor);
}
