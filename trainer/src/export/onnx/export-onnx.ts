import { join } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import { imageBatches } from '../../data/batches.ts';
import type { Part } from '../../datasets/split.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { readModel } from '../../models/load-model.ts';
import { drawFrom } from '../feature-rows.ts';
import { activationRanges } from './activation-ranges.ts';
import { toOnnxModel } from './to-onnx-model.ts';

/** Of CIFAR-10, with which 996 of 1,000 answers were the Worker's; with 64, 299 of 300. */
const CALIBRATION_IMAGES = 256;

interface OnnxExport {
  readonly kernels: OnnxKernelFormat;
  readonly withPreprocess: boolean;
  /** Of the model's kind, for a size of network inputs: `int8` is calibrated on some of them. */
  readonly images?: (size: number) => Promise<Part>;
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
  const calibration = options.kernels === 'int8' ? await calibrationOf(card, options) : undefined;
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

async function calibrationOf({ preprocess }: ModelCard, { images }: OnnxExport) {
  const part = await images?.(preprocess.size);
  return part && imageBatches(drawFrom(part, CALIBRATION_IMAGES, 1), preprocess);
}
