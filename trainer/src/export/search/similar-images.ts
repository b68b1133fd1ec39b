import { readFile } from 'node:fs/promises';
import { splitReference } from 'shared/contract/models-index';
import type { VectorIndex } from 'shared/search/vector-index';
import { openVectorIndex } from 'shared/search/vector-index-node';
import { listImages } from '../../datasets/list-images.ts';
import { TrainerError } from '../../errors.ts';
import { eachRow } from '../feature-rows.ts';
import { embedImages } from './embed-images.ts';

interface SimilarImage {
  readonly path: string;
  /** Cosine of the angle between the two images' features, −1 to 1; of copies it is 1. */
  readonly similarity: number;
}

interface SimilarTask {
  /** Path or url. */
  readonly image: string;
  readonly top: number;
  readonly signal: AbortSignal;
  /** Is told of images that cannot be read. */
  report(error: unknown): void;
}

/**
 * Finds the images that are most like another one to a model, by the features before its last dense layer.
 *
 * @param directory of the model
 * @param folder of images, at any depth
 * @returns the `top` most similar ones, the most similar first
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `download_failed`
 */
export async function similarImages(
  directory: string,
  { image, folder, top, signal, report }: SimilarTask & { readonly folder: string },
): Promise<SimilarImage[]> {
  const paths = await listImages(folder);
  const task = { signal, required: 1, report };
  const { images, embeddings } = await embedImages(directory, [image, ...paths], task);
  const [query, ...rows] = eachRow(embeddings) as [Float32Array, ...Float32Array[]];
  return rows
    .map((row, at) => ({ path: images[at + 1] as string, similarity: dot(row, query) }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, top);
}

/** An index, and the model whose embeddings it has. @throws TrainerError `model_invalid` */
export async function readImageIndex(
  file: string,
): Promise<{ readonly index: VectorIndex; readonly model: string }> {
  try {
    const index = await openVectorIndex(await readFile(file));
    if (!index.header.isRemote) return { index, model: splitReference(index.header.model).id };
    throw new Error('its vectors are in Vectorize');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : `${cause}`;
    throw new TrainerError(
      'model_invalid',
      `Expected an index that graft similar has written at ${file}, but it cannot be searched (${reason}).`,
      cause,
    );
  }
}

/**
 * The same in an index, of which no image is computed.
 *
 * @param directory of the index's model
 * @throws TrainerError `model_invalid` where that is another version now
 */
export async function similarInIndex(
  directory: string,
  index: VectorIndex,
  { image, top, signal }: Omit<SimilarTask, 'report'>,
): Promise<SimilarImage[]> {
  const task = { signal, required: 1, report: () => {} };
  const { model, embeddings } = await embedImages(directory, [image], task);
  if (model !== index.header.model) {
    throw new TrainerError(
      'model_invalid',
      `Expected the model ${index.header.model}, whose embeddings the index has, but got ${model}: write the index anew.`,
    );
  }
  return index
    .nearest(index.toVector(embeddings.values), top)
    .map(({ image: path, similarity }) => ({ path, similarity }));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}
