import type * as tf from '@tensorflow/tfjs';
import { openRegularFile, readRegularFile, Unreadable } from '../files/open-regular-file.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { identifyWeights, type WeightsFormat } from './identify-weights.ts';
import { readKerasH5 } from './keras/keras-h5.ts';
import { MAX_FILE_BYTES, readSafetensors } from './safetensors/safetensors.ts';
import { readShards } from './safetensors/safetensors-shards.ts';
import { fromTimm, isTimm } from './timm.ts';
import { readTorchCheckpoint } from './torch/torch-checkpoint.ts';
import { fromTorchEfficientnet, isTorchEfficientnet } from './torch/torch-efficientnet.ts';
import { weightsInvalid } from './weights-invalid.ts';

/**
 * Reads a weights file of any supported format, which its content tells: Keras' `.h5`,
 * `.weights.h5` and `.keras`; safetensors, or the index of its shards, and PyTorch's own `.pth` under
 * Keras' names, or for EfficientNet under those of timm or EfficientNet-PyTorch.
 *
 * @param layers of the network, in Keras' order: files name some layers by number only
 * @param withoutTop ignores the classifier's layers, where the file has them
 * @returns tensors by the network's names, `layer/weight`; `loadWeights` checks their shapes
 * @throws TrainerError `weights_invalid`, which also says what a file of another format is
 */
export async function readWeights(
  path: string,
  layers: readonly tf.layers.Layer[],
  { withoutTop = false }: { readonly withoutTop?: boolean } = {},
): Promise<ReadonlyMap<string, NamedTensor>> {
  const format = await formatOf(path);
  if (format === 'hdf5' || format === 'zip') {
    const file = await readRegularFile(path, MAX_FILE_BYTES).catch((error: unknown) => {
      throw explained(path, error);
    });
    const isAlone = file.byteLength === file.buffer.byteLength;
    const bytes = isAlone ? new Uint8Array(file.buffer) : Uint8Array.from(file);
    return readKerasH5(path, bytes as Uint8Array<ArrayBuffer>, format, layers, withoutTop);
  }
  const [, shards] = /-\d{5}-of-(\d{5})\.safetensors$/.exec(path) ?? [];
  if (Number(shards) > 1) {
    throw weightsInvalid(
      path,
      `it is one of ${Number(shards)} shards: pass the index beside them, model.safetensors.index.json`,
    );
  }
  const tensors = await readTensors(path, format);
  if (isTimm(tensors)) return fromTimm(tensors, layers, withoutTop);
  if (isTorchEfficientnet(tensors)) return fromTorchEfficientnet(tensors, layers, withoutTop);
  return withoutTop ? withoutDense(tensors) : tensors;
}

/** Reads a file that names its tensors. */
async function readTensors(
  path: string,
  format: Exclude<WeightsFormat, 'hdf5' | 'zip'>,
): Promise<ReadonlyMap<string, NamedTensor>> {
  switch (format) {
    case 'json':
      return readShards(path);
    case 'torch':
      return readTorchCheckpoint(path);
    case 'safetensors':
      return (await readSafetensors(path)).tensors;
  }
}

/**
 * Determines a weights file's format from its beginning.
 *
 * @throws TrainerError `weights_invalid` where there is no file to read, or one of another format
 */
export async function formatOf(path: string): Promise<WeightsFormat> {
  try {
    const { file, bytes } = await openRegularFile(path);
    try {
      const start = await file.read({ buffer: Buffer.alloc(512) });
      const found = identifyWeights(path, start.buffer.subarray(0, start.bytesRead), bytes);
      if ('format' in found) return found.format;
      throw weightsInvalid(path, found.is);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explained(path, error);
  }
}

function explained(path: string, error: unknown): unknown {
  return error instanceof Unreadable ? weightsInvalid(path, error.message, error.cause) : error;
}

function withoutDense(tensors: ReadonlyMap<string, NamedTensor>): Map<string, NamedTensor> {
  const layerOf = (name: string) => name.slice(0, name.lastIndexOf('/'));
  const dense = new Set(
    [...tensors].filter(([, { shape }]) => shape.length === 2).map(([name]) => layerOf(name)),
  );
  return new Map([...tensors].filter(([name]) => !dense.has(layerOf(name))));
}
