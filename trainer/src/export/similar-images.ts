import type { Image } from 'shared/images/image';
import type { ImageSet } from '../datasets/dataset.ts';
import { listImages } from '../datasets/list-images.ts';
import { whole } from '../datasets/split.ts';
import { readImage } from '../evaluation/predict.ts';
import { unitRows } from '../evaluation/prototypes.ts';
import { readModel } from '../models/load-model.ts';
import { eachRow, startRows } from './feature-rows.ts';
import { fromArtifacts } from './graph-builder.ts';
import { cutGraph, headOf } from './known-score.ts';

interface SimilarImage {
  readonly path: string;
  /** Cosine of the angle between the two images' features, −1 to 1; of copies it is 1. */
  readonly similarity: number;
}

/**
 * Finds the images that are most like another one to a model, by the features before its last dense layer.
 *
 * @param image path or url
 * @param folder of images, at any depth
 * @param report is told of images that cannot be read
 * @returns the `top` most similar ones, the most similar first
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `download_failed`
 */
export async function similarImages(
  directory: string,
  { image, folder, top, signal, report }: SimilarTask,
): Promise<SimilarImage[]> {
  const { card, artifacts } = await readModel(directory);
  const { preprocess, quantization } = card;
  const query = await readImage(image, preprocess.size);
  const paths = await listImages(folder);
  const broken = new Set<number>();
  const images: ImageSet = {
    length: paths.length + 1,
    label: () => 0,
    image: (index) =>
      index === paths.length
        ? query
        : readImage(paths[index] as string, preprocess.size).catch((error: unknown): Image => {
            report(error);
            broken.add(index);
            return query;
          }),
  };
  const graph = fromArtifacts(artifacts);
  const rowsOf = await startRows(cutGraph(graph, headOf(graph).features), {
    ...{ preprocess, arithmetic: quantization.arithmetic ?? 'float32', signal },
  });
  try {
    const rows = await rowsOf('Images', whole(images));
    const units = eachRow(unitRows(rows, [...Array(images.length).keys()]));
    const own = units.pop() as Float32Array;
    const dot = (row: Float32Array) =>
      row.reduce((sum, value, at) => sum + value * (own[at] as number), 0);
    return paths
      .map((path, index) => ({ path, similarity: dot(units[index] as Float32Array), index }))
      .filter(({ index }) => !broken.has(index))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, top)
      .map(({ path, similarity }) => ({ path, similarity }));
  } finally {
    rowsOf.dispose();
  }
}

interface SimilarTask {
  readonly image: string;
  readonly folder: string;
  readonly top: number;
  readonly signal: AbortSignal;
  report(error: unknown): void;
}
