import { nameAt } from '../bytes.ts';
import { profileOfCodes } from '../colour/colour-codes.ts';
import { BoxReader, type IsoBox } from './iso-boxes.ts';

/**
 * Reads the colours of an item of AVIF or HEIC from its `colr` boxes: an ICC profile takes precedence over codes.
 *
 * @see ISO/IEC 14496-12, 12.1.5
 */
export function readHeifProfile(properties: Iterable<IsoBox>): Uint8Array | undefined {
  let codes: Uint8Array | undefined;
  for (const { type, data } of properties) {
    if (type !== 'colr') continue;
    const kind = nameAt(data, 0);
    if (kind === 'prof' || kind === 'rICC') return data.subarray(4);
    if (kind === 'nclx') codes ??= data;
  }
  if (!codes) return undefined;
  const reader = new BoxReader(codes);
  reader.skip(4);
  return profileOfCodes(reader.uint(2), reader.uint(2), false);
}
