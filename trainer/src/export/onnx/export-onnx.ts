import { join } from 'node:path';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { readModel } from '../../models/load-model.ts';
import { calibrationImages, type OpenImages } from '../calibration-images.ts';
import { activationRanges } from './activation-ranges.ts';
import { toOnnxModel } from './to-onnx-model.ts';

interface OnnxExport {
  readonly kernels: OnnxKernelFormat;
  readonly withPreprocess: boolean;
  /** `int8` is calibrated on some of them. */
  readonly images?: OpenImages;
  readonly signal: AbortSignal;
}

/**
 * Writes a model as `<id>.onnx`, with its labels and its card among the metadata.
 *
 * @param directory of the model
 * @param folder that receives the file
 * @returns the file's path
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `disk_full`, `not_writable`
 */
export async function exportOnnx(
  directory: string,
  folder: string,
  options: OnnxExport,
): Promise<string> {
  const { card, artifacts } = await readModel(directory);
  const path = join(folder, `${card.id}.onnx`);
  const calibration = options.images && (await calibrationImages(options.images, card.preprocess));
  const model = toOnnxModel(artifacts, {
    kernels: options.kernels,
    ...(calibration && {
      ranges: await activationRanges(artifacts, calibration, options.signal),
    }),
    preprocess: options.withPreprocess ? card.preprocess : undefined,
    metadata: {
      labels: JSON.stringify(card.labels.map(({ name }) => name)),
      card: JSON.stringify(card),
    },
  });
  await writeFileAtomically(path, model);
  return path;
}
