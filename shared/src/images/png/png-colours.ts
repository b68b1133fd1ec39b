import { viewOf } from '../bytes.ts';
import { gamma, profileOfCodes, srgb } from '../colour/colour-codes.ts';
import { isProfile, maxProfileBytes } from '../colour/icc-profile.ts';
import { makeProfile } from '../colour/make-profile.ts';
import type { DecoderPrograms } from '../decoder-programs.ts';
import { inflate } from '../rows.ts';
import type { PngChunks } from './png-chunks.ts';

/**
 * What a PNG says of its colours, by the first of the chunks that may, as Chromium has it.
 *
 * @returns an ICC profile; undefined where it says nothing, or sRGB
 * @see PNG specification (third edition), 4.3
 */
export async function readPngProfile(
  chunks: PngChunks,
  programs: DecoderPrograms,
): Promise<Uint8Array | undefined> {
  const [codes, compressed] = [chunks.data('cICP'), chunks.data('iCCP')];
  const [primaries = 0, transfer = 0, matrix, isFullRange] = codes;
  if (codes.length === 4 && matrix === 0 && isFullRange === 1) {
    return profileOfCodes(primaries, transfer, true);
  }
  // A name that ends with a zero, and the method of compression.
  const nameEnd = compressed.indexOf(0);
  if (nameEnd >= 0) {
    const stream = compressed.subarray(nameEnd + 2);
    const profile = inflate(await programs.rows(), stream, maxProfileBytes);
    if (profile && isProfile(profile)) return profile;
  }
  if (chunks.data('sRGB').length > 0) return undefined;
  return readChromaticities(chunks);
}

/** The curve counts without primaries, which are sRGB's then, and not the other way round. */
function readChromaticities(chunks: PngChunks): Uint8Array | undefined {
  const [places, exponent] = [viewOf(chunks.data('cHRM')), viewOf(chunks.data('gAMA'))];
  if (exponent.byteLength !== 4 || exponent.getUint32(0) === 0) return undefined;
  const at = (i: number): readonly [number, number] => [
    places.getUint32(i * 8) / 100_000,
    places.getUint32(i * 8 + 4) / 100_000,
  ];
  const primaries =
    places.byteLength === 32 ? { white: at(0), red: at(1), green: at(2), blue: at(3) } : srgb;
  return makeProfile(primaries, gamma(100_000 / exponent.getUint32(0)));
}
