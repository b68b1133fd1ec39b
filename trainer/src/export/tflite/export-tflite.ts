import { join } from 'node:path';
import type { TfliteKernelFormat } from '../../config/quantizations.ts';
import { createRandom } from '../../config/random.ts';
import { type BatchSource, batchIndices } from '../../data/batches.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { readModel } from '../../models/load-model.ts';
import { calibrationImages, type OpenImages } from '../calibration-images.ts';
import { convertToTflite } from './convert-to-tflite.ts';

interface TfliteExport {
  readonly kernels: TfliteKernelFormat;
  /** `int8` is calibrated on some of them. */
  readonly images?: OpenImages;
  readonly signal: AbortSignal;
  log(line: string): void;
}

const BATCH = 16;

/**
 * Writes a model as `<id>.tflite`, its labels, a line each, as `<id>.labels.txt`, and its card, which has the preprocessing
 * and the thresholds of several labels, as `<id>.card.json`.
 *
 * @param directory of the model
 * @param folder that receives the files
 * @returns the path of the model's
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `backend_unavailable`, `download_failed`, `disk_full`,
 *   `not_writable`
 */
export async function exportTflite(
  directory: string,
  folder: string,
  { kernels, images, signal, log }: TfliteExport,
): Promise<string> {
  const { card } = await readModel(directory);
  const source = images && (await calibrationImages(images, card.preprocess));
  const model = await convertToTflite(directory, {
    ...{ kernels, signal, log },
    ...(source && { images: eachInput(source) }),
  });
  const path = join(folder, `${card.id}.tflite`);
  await writeFileAtomically(path, model);
  const labels = card.labels.map(({ name }) => `${name}\n`).join('');
  await writeFileAtomically(join(folder, `${card.id}.labels.txt`), labels);
  await writeFileAtomically(
    join(folder, `${card.id}.card.json`),
    `${JSON.stringify(card, null, 2)}\n`,
  );
  return path;
}

/** `[size, size, 3]` of each image. */
async function* eachInput(source: BatchSource): AsyncIterable<Float32Array> {
  for (const indices of batchIndices(source.length, BATCH)) {
    const inputs = await source.inputs(indices, createRandom(0));
    yield (await inputs.data()) as Float32Array;
    inputs.dispose();
  }
}
