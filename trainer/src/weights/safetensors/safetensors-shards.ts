import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { readRegularFile, Unreadable } from '../../files/open-regular-file.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import { weightsInvalid } from '../weights-invalid.ts';
import { readSafetensors } from './safetensors.ts';

/** The largest index that is read; an index names each tensor once. */
const MAX_INDEX_BYTES = 16e6;

const index = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Lists the shards that an index of safetensors files names, which lie beside it.
 *
 * @param path of the index, such as `model.safetensors.index.json`
 * @returns their paths
 * @throws TrainerError `weights_invalid`, also where the file is other JSON
 */
export async function shardsOf(path: string): Promise<string[]> {
  const text = await readRegularFile(path, MAX_INDEX_BYTES).catch((error: unknown) => {
    throw error instanceof Unreadable ? weightsInvalid(path, error.message, error.cause) : error;
  });
  const json = parse(text.toString());
  const parsed = index.safeParse(json);
  if (!parsed.success) throw weightsInvalid(path, whatIs(json));
  const names = [...new Set(Object.values(parsed.data.weight_map))];
  for (const name of names) {
    if (!/^[\w.-]+\.safetensors$/.test(name) || basename(name) !== name) {
      throw weightsInvalid(path, `it names ${name}, which is not a safetensors file beside it`);
    }
  }
  return names.map((name) => join(dirname(path), name));
}

/** @throws TrainerError `weights_invalid` naming the shard that is missing or damaged */
export async function readShards(path: string): Promise<ReadonlyMap<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>();
  for (const shard of await shardsOf(path)) {
    for (const [name, tensor] of (await readSafetensors(shard)).tensors) tensors.set(name, tensor);
  }
  return tensors;
}

function whatIs(json: unknown): string {
  if (typeof json !== 'object' || json === null) return 'it is a text file, or damaged';
  if ('modelTopology' in json || 'weightsManifest' in json) {
    return "it is a TensorFlow.js model: save the weights in Python with model.save('model.keras')";
  }
  if ('weight_map' in json || 'metadata' in json) {
    return 'it is a list of shards of another format: save the weights in one file';
  }
  return 'it is JSON without weights: pass the weights file that it belongs to';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
