import { nameAt, viewOf } from '../bytes.ts';

/** Whether a file declares that a reader of AVIF can read it. */
export function isAvif(file: Uint8Array): boolean {
  return brandsOf(file).some((brand) => /^avi[fs]$/.test(brand));
}

/** Whether a file declares that a reader of HEIC (HEVC images, as phones make them) can read it. */
export function isHeic(file: Uint8Array): boolean {
  return brandsOf(file).some((brand) => /^he(ic|ix|im|is|vc|vx|vm|vs)$/.test(brand));
}

/** Whether a file consists of ISO boxes, like AVIF, HEIC and many videos. */
export function isIsoFile(file: Uint8Array): boolean {
  return nameAt(file, 4) === 'ftyp';
}

/** The brands that a file of ISO boxes declares. @see ISO/IEC 14496-12, 4.3 */
function brandsOf(file: Uint8Array): string[] {
  if (!isIsoFile(file)) return [];
  const end = Math.min(viewOf(file).getUint32(0), file.length, maxBytes);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) brands.push(nameAt(file, at));
  return brands;
}

/** Bytes of the brands; usual files have a handful of them. */
const maxBytes = 1024;
