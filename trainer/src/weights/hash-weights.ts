import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** The SHA-256 of a weights file, in hexadecimal; undefined for `imagenet` and `none`. */
export async function hashWeights(weights: string): Promise<string | undefined> {
  if (weights === 'imagenet' || weights === 'none') return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(weights), hash);
  return hash.digest('hex');
}
