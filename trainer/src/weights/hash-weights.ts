import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { formatOf } from './read-weights.ts';
import { shardsOf } from './safetensors/safetensors-shards.ts';
import { weightsInvalid } from './weights-invalid.ts';

/**
 * The SHA-256 of a weights file, including its shards, in hexadecimal; undefined for `imagenet` and
 * `none`.
 *
 * @throws TrainerError `weights_invalid` where the file cannot be read, or its format is not supported
 */
export async function hashWeights(weights: string): Promise<string | undefined> {
  if (weights === 'imagenet' || weights === 'none') return undefined;
  const format = await formatOf(weights);
  const shards = format === 'json' ? await shardsOf(weights) : [];
  const hash = createHash('sha256');
  for (const path of [weights, ...shards]) {
    try {
      await pipeline(createReadStream(path), hash, { end: false });
    } catch (cause) {
      throw weightsInvalid(path, 'it cannot be read', cause);
    }
  }
  return hash.digest('hex');
}
