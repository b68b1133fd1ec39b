import { viewOf } from '../bytes.ts';
import { gamma, profileOfCodes, srgb } from '../colour/colour-codes.ts';
import { isProfile, maxProfileBytes } from '../colour/icc-profile.ts';
import { makeProfile } from '../colour/make-profile.ts';
import type { DecoderPrograms } from '../decoder-programs.ts';
import { inflate } from '../rows.ts';
import type { PngChunks } from './png-chunks.ts';

/**
 * Reads the colours of a PNG from the chunk with the highest precedence, as Chromium does.
 *
 * @returns an ICC profile; undefined where there is no such chunk, or for sRGB
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
  // The name ends with a zero, and the compression method follows.
  const nameEnd = compressed.indexOf(0);
  if (nameEnd >= 0) {
    const stream = compressed.subarray(nameEnd + 2);
    const profile = inflate(await programs.rows(), stream, maxProfileBytes);
    if (profile && isProfile(profile)) return profile;
  }
  if (chunks.data('sRGB').length > 0) return undefined;
  return readChromaticities(chunks);
}

/** A curve without primaries counts, with those of sRGB; primaries without a curve do not. */
function readChromaticities(chunks: PngChunks): Uint8Array | undefined {
  const [places, exponent] = [viewOf(chunks.data('cHRM')), viewOf(chunks.data('gAMA'))];
  if (exponent.byteLength !== 4 || exponent.getUint32(0) === 0) return undefined;
  // That of a usual screen, without primaries, is as none, as in Chromium: nearly all such files are sRGB.
  const isUsual = Math.abs((exponent.getUint32(0) / 100_000) * 2.2 - 1) < 0.05;
  if (isUsual && places.byteLength !== 32) return undefined;
  const at = (i: number): readonly [number, number] => [
    places.getUint32(i * 8) / 100_000,
    places.getUint32(i * 8 + 4) / 100_000,
  ];
  const primaries =
    places.byteLength === 32 ? { white: at(0), red: at(1), green: at(2), blue: at(3) } : srgb;
  return makeProfile(primaries, gamma(100_000 / exponent.getUint32(0)));
}
