import { join } from 'node:path';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { readModel } from '../../models/load-model.ts';
import { toOnnxModel } from './to-onnx-model.ts';

/**
 * Writes a model as `<id>.onnx`, with its labels and its card among the metadata.
 *
 * @param directory of the model
 * @param folder that receives the file
 * @returns the file's path
 * @throws TrainerError `model_invalid`, `disk_full`, `not_writable`
 */
export async function exportOnnx(
  directory: string,
  folder: string,
  options: { readonly kernels: OnnxKernelFormat; readonly withPreprocess: boolean },
): Promise<string> {
  const { card, artifacts } = await readModel(directory);
  const path = join(folder, `${card.id}.onnx`);
  const model = toOnnxModel(artifacts, {
    kernels: options.kernels,
    preprocess: options.withPreprocess ? card.preprocess : undefined,
    metadata: {
      labels: JSON.stringify(card.labels.map(({ name }) => name)),
      card: JSON.stringify(card),
    },
  });
  await writeFileAtomically(path, model);
  return path;
}
