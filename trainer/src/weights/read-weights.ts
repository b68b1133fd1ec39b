import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { unzipSync } from 'fflate';
import { TrainerError } from '../errors.ts';
import { readKerasH5 } from './keras-h5.ts';
import { type NamedTensor, readSafetensors } from './safetensors.ts';
import { fromTimm, isTimm } from './timm.ts';
import { readTorchCheckpoint, TORCH_MAGIC } from './torch-checkpoint.ts';
import { fromTorchEfficientnet, isTorchEfficientnet } from './torch-efficientnet.ts';

const HDF5 = '\x89HDF\r\n\x1a\n';
const ZIP = 'PK\x03\x04';

/**
 * Reads a weights file of any of these formats, told apart by its content: Keras' `.h5`,
 * `.weights.h5` and `.keras`; safetensors and PyTorch's own `.pth` under Keras' names, or for
 * EfficientNet under those of timm or EfficientNet-PyTorch.
 *
 * @param layers of the network, in Keras' order: files name some layers by number only
 * @param withoutTop passes over the classifier's layers, where the file has them
 * @returns tensors by the network's names, `layer/weight`; `loadWeights` checks their shapes
 * @throws TrainerError `weights_invalid`
 */
export async function readWeights(
  path: string,
  layers: readonly tf.layers.Layer[],
  { withoutTop = false }: { readonly withoutTop?: boolean } = {},
): Promise<ReadonlyMap<string, NamedTensor>> {
  const start = await readStart(path);
  if (start === HDF5) return readKerasH5(path, layers, withoutTop);
  if (start.startsWith(ZIP) && !(await isTorchArchive(path))) {
    return readKerasArchive(path, layers, withoutTop);
  }
  const isTorch = start.startsWith(ZIP) || start === TORCH_MAGIC.toString('latin1', 0, 8);
  const tensors = isTorch ? await readTorchCheckpoint(path) : (await readSafetensors(path)).tensors;
  if (isTimm(tensors)) return fromTimm(tensors, layers, withoutTop);
  if (isTorchEfficientnet(tensors)) return fromTorchEfficientnet(tensors, layers, withoutTop);
  return withoutTop ? withoutDense(tensors) : tensors;
}

/** Whether a zip archive is PyTorch's, whose first member is its dictionary. */
async function isTorchArchive(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    // A local file header: 30 bytes, then the member's name.
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(512), length: 512 });
    const end = 30 + buffer.readUInt16LE(26);
    return buffer.toString('utf8', 30, Math.min(end, bytesRead)).endsWith('/data.pkl');
  } finally {
    await file.close();
  }
}

/** Keras 3's `.keras`: a zip archive, of which the weights are one file. */
async function readKerasArchive(
  path: string,
  layers: readonly tf.layers.Layer[],
  withoutTop: boolean,
): Promise<ReadonlyMap<string, NamedTensor>> {
  const weights = unzip(await readFile(path), 'model.weights.h5', path);
  // The HDF5 library reads files only.
  const folder = await mkdtemp(join(tmpdir(), 'graft-weights-'));
  try {
    const file = join(folder, 'model.weights.h5');
    await writeFile(file, weights);
    return await readKerasH5(file, layers, withoutTop, path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function unzip(archive: Uint8Array, name: string, path: string): Uint8Array {
  let found: Uint8Array | undefined;
  let cause: unknown;
  try {
    found = unzipSync(archive, { filter: (file) => file.name === name })[name];
  } catch (error) {
    cause = error;
  }
  if (found) return found;
  const reason = cause ? 'it is damaged or cut short' : `it lacks ${name}`;
  throw new TrainerError(
    'weights_invalid',
    `Expected a model of Keras 3 at ${path}, but ${reason}.`,
    cause,
  );
}

async function readStart(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(8), length: 8 });
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new TrainerError(
      'weights_invalid',
      `Expected a weights file at ${path}, but it cannot be read.`,
      cause,
    );
  }
}

function withoutDense(tensors: ReadonlyMap<string, NamedTensor>): Map<string, NamedTensor> {
  const layerOf = (name: string) => name.slice(0, name.lastIndexOf('/'));
  const dense = new Set(
    [...tensors].filter(([, { shape }]) => shape.length === 2).map(([name]) => layerOf(name)),
  );
  return new Map([...tensors].filter(([name]) => !dense.has(layerOf(name))));
}
