import type { Image } from 'shared/images/image';
import type { ImageSet } from '../../datasets/dataset.ts';
import { whole } from '../../datasets/split.ts';
import { readImage } from '../../evaluation/predict.ts';
import { type Rows, unitRows } from '../../evaluation/prototypes.ts';
import { readModel } from '../../models/load-model.ts';
import { startRows } from '../feature-rows.ts';
import { fromArtifacts } from '../graph-builder.ts';
import { cutGraph, headOf } from '../known-score.ts';

interface EmbeddedImages {
  /** `id@version` of the model. */
  readonly model: string;
  /** The images that could be read. */
  readonly images: readonly string[];
  /** Of each of them, the features before the last dense layer, of norm 1. */
  readonly embeddings: Rows;
}

interface EmbedTask {
  readonly signal: AbortSignal;
  /** How many of the images, the first ones, must be readable. */
  readonly required?: number;
  /** Is told of others that cannot be read. */
  report(error: unknown): void;
}

/**
 * Computes the embeddings of images, as the Worker's `/embed` does.
 *
 * @param directory of the model
 * @param images paths or urls
 * @throws TrainerError `model_invalid`; `dataset_invalid`, `download_failed` for a required image
 */
export async function embedImages(
  directory: string,
  images: readonly string[],
  { signal, required = 0, report }: EmbedTask,
): Promise<EmbeddedImages> {
  const { card, version, artifacts } = await readModel(directory);
  const { preprocess, quantization } = card;
  const broken = new Set<number>();
  const { size } = preprocess;
  const nothing: Image = {
    width: size,
    height: size,
    channels: 3,
    data: new Uint8Array(size * size * 3),
  };
  const set: ImageSet = {
    length: images.length,
    label: () => 0,
    image: (index) =>
      readImage(images[index] as string, size).catch((error: unknown) => {
        if (index < required) throw error;
        report(error);
        broken.add(index);
        return nothing;
      }),
  };
  const graph = fromArtifacts(artifacts);
  const rowsOf = await startRows(cutGraph(graph, headOf(graph).features), {
    ...{ preprocess, arithmetic: quantization.arithmetic ?? 'float32', signal },
  });
  try {
    const rows = await rowsOf('Images', whole(set));
    const places = [...images.keys()].filter((at) => !broken.has(at));
    return {
      model: `${card.id}@${version}`,
      images: places.map((at) => images[at] as string),
      embeddings: unitRows(rows, places),
    };
  } finally {
    rowsOf.dispose();
  }
}
