import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { TrainerError } from '../errors.ts';

/**
 * The SHA-256 of a weights file, in hexadecimal; undefined for `imagenet` and `none`.
 *
 * @throws TrainerError `weights_invalid` where it cannot be read
 */
export async function hashWeights(weights: string): Promise<string | undefined> {
  if (weights === 'imagenet' || weights === 'none') return undefined;
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(weights), hash);
  } catch (cause) {
    throw new TrainerError(
      'weights_invalid',
      `Expected a weights file at ${weights}, but it cannot be read.`,
      cause,
    );
  }
  return hash.digest('hex');
}
