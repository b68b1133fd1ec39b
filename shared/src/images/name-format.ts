import { isHeic, isIsoFile } from './avif/heif-brands.ts';

/** The first bytes of a file; undefined stands for any byte. */
type Beginning = readonly (number | undefined)[];

const any = undefined;

const beginnings: readonly (readonly [name: string, ...Beginning[]])[] = [
  ['a TIFF image', ascii('II*\0'), ascii('MM\0*'), ascii('II+\0'), ascii('MM\0+')],
  ['a BMP image', [...ascii('BM'), any, any, any, any, 0, 0, 0, 0]],
  ['an icon', [0, 0, 1, 0], [0, 0, 2, 0]],
  ['a JPEG XL image', [0xff, 0x0a], [0, 0, 0, 12, ...ascii('JXL \r\n\x87\n')]],
  ['a JPEG 2000 image', [0xff, 0x4f, 0xff, 0x51], [0, 0, 0, 12, ...ascii('jP  \r\n\x87\n')]],
  ['a Photoshop document', ascii('8BPS')],
  ['a PDF document', ascii('%PDF-')],
  ['a PostScript document', ascii('%!PS')],
  ['a ZIP archive', ascii('PK\x03\x04')],
  ['compressed with gzip', [0x1f, 0x8b]],
  ['a video', ascii('\x1aE\xdf\xa3'), [...ascii('RIFF'), any, any, any, any, ...ascii('AVI ')]],
];

/** The type of a text file by its beginning, after any XML comments and declarations. */
const texts: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['an HTML page', /^<(!doctype html|html|head|body|script)\b/i],
  ['an SVG drawing', /^<(!doctype svg|(\w+:)?svg)\b/i],
];

/** The longest comments before the beginning of a drawing. */
const textBytes = 4096;

/**
 * Names the format of a file that cannot be read, by its first bytes.
 *
 * @returns for example `a TIFF image`; undefined for an unknown format
 */
export function nameFormat(file: Uint8Array): string | undefined {
  if (file.length === 0) return 'empty';
  if (isHeic(file)) return 'a HEIC image';
  if (isIsoFile(file)) return 'a video';
  const begins = (beginning: Beginning): boolean =>
    beginning.every((byte, i) => byte === any || byte === file[i]);
  const binary = beginnings.find(([, ...all]) => all.some(begins));
  if (binary) return binary[0];
  // The decoder removes a byte order mark.
  const text = new TextDecoder().decode(file.subarray(0, textBytes));
  const start = text.replace(/^(\s+|<\?[^>]*>|<!--[\s\S]*?-->)*/, '');
  return texts.find(([, pattern]) => pattern.test(start))?.[0];
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
