import { relative, sep } from 'node:path';
import { dimensionsFor, MAX_VECTORS, SAMPLED_VECTORS } from 'shared/search/index-size';
import { addToMoment, principalDirections, project } from 'shared/search/principal-directions';
import { writeVectorIndex } from 'shared/search/write-vector-index';
import { createRandom, shuffle } from '../../config/random.ts';
import { listImages } from '../../datasets/list-images.ts';
import { TrainerError } from '../../errors.ts';
import { type Rows, unitRows } from '../../evaluation/prototypes.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { eachRow } from '../feature-rows.ts';
import { embedImages } from './embed-images.ts';

/** The most dimensions that Vectorize takes, and how many it gets of an embedding with more. */
const VECTORIZE = { most: 1536, projected: 512 };

interface IndexTask {
  /** Of images, at any depth. */
  readonly folder: string;
  /** The index that is written. */
  readonly file: string;
  /** Where vectors for Vectorize are written; the index then has none. */
  readonly vectorize?: string | undefined;
  readonly signal: AbortSignal;
  /** Is told of images that cannot be read. */
  report(error: unknown): void;
}

/**
 * Writes an index of the images of a folder, for `graft similar` and the Worker's `/similar`. Images are named by their paths
 * from the folder.
 *
 * @param directory of the model
 * @returns how many images it has, and of how many dimensions their vectors are
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `disk_full`, `not_writable`
 */
export async function writeImageIndex(
  directory: string,
  { folder, file, vectorize, signal, report }: IndexTask,
): Promise<{ readonly images: number; readonly dimensions: number }> {
  const paths = await listImages(folder);
  if (vectorize === undefined && paths.length > MAX_VECTORS) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected at most ${MAX_VECTORS} images for an index, but ${folder} has ${paths.length}: pass --vectorize to keep them in Vectorize.`,
    );
  }
  const { model, images, embeddings } = await embedImages(directory, paths, { signal, report });
  const names = images.map((path) => relative(folder, path).replaceAll(sep, '/'));
  const { vectors, projection } = toVectors(
    embeddings,
    vectorize === undefined
      ? dimensionsFor(embeddings.width, names.length)
      : remoteDimensions(embeddings.width),
  );
  const { width: dimensions, values } = vectors;
  const index = writeVectorIndex({
    ...{ model, vectors: values, dimensions },
    ...(vectorize === undefined && { names }),
    ...(projection && { projection }),
  });
  if (vectorize !== undefined) await writeFileAtomically(vectorize, vectorLines(vectors, names));
  await writeFileAtomically(file, index);
  return { images: names.length, dimensions };
}

/** How many dimensions the vectors of embeddings have that Vectorize keeps. */
export function remoteDimensions(width: number): number {
  return width <= VECTORIZE.most ? width : VECTORIZE.projected;
}

function toVectors(
  embeddings: Rows,
  dimensions: number,
): { readonly vectors: Rows; readonly projection?: Float32Array } {
  const { width, values } = embeddings;
  if (dimensions >= width) return { vectors: embeddings };
  const places = shuffle([...Array(values.length / width).keys()], createRandom(1));
  const sample = unitRows(embeddings, places.slice(0, SAMPLED_VECTORS));
  const moment = new Float32Array(width * width);
  addToMoment(moment, eachRow(sample));
  const projection = principalDirections(moment, dimensions);
  const projected = new Float32Array(places.length * dimensions);
  for (const [at, row] of eachRow(embeddings).entries()) {
    projected.set(project(projection, row), at * dimensions);
  }
  const vectors = unitRows({ width: dimensions, values: projected }, [...places.keys()]);
  return { vectors, projection };
}

/** As `wrangler vectorize insert --file` takes them; an id there has 64 bytes at most, so names are metadata. */
function* vectorLines(vectors: Rows, names: readonly string[]): Iterable<Uint8Array> {
  const encoder = new TextEncoder();
  for (const [at, row] of eachRow(vectors).entries()) {
    const values = Array.from(row, (value) => Number(value.toFixed(6)));
    const line = { id: `${at}`, values, metadata: { image: names[at] } };
    yield encoder.encode(`${JSON.stringify(line)}\n`);
  }
}
