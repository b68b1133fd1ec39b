import { nameAt, viewOf } from '../bytes.ts';

/** Whether a reader of AVIF can read a file, as it says itself. */
export function isAvif(file: Uint8Array): boolean {
  return brandsOf(file).some((brand) => /^avi[fs]$/.test(brand));
}

/** Whether a reader of HEIC, images of HEVC as telephones make them, can read a file. */
export function isHeic(file: Uint8Array): boolean {
  return brandsOf(file).some((brand) => /^he(ic|ix|im|is|vc|vx|vm|vs)$/.test(brand));
}

/** Whether a file is of ISO boxes, as AVIF and HEIC are, and many videos. */
export function isIsoFile(file: Uint8Array): boolean {
  return nameAt(file, 4) === 'ftyp';
}

/** The brands of a file of ISO boxes. @see ISO/IEC 14496-12, 4.3 */
function brandsOf(file: Uint8Array): string[] {
  if (!isIsoFile(file)) return [];
  const end = Math.min(viewOf(file).getUint32(0), file.length, maxBytes);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) brands.push(nameAt(file, at));
  return brands;
}

/** That they can take; there are a handful. */
const maxBytes = 1024;
