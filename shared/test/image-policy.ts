import { expect } from 'vitest';
import type { Picture } from '../src/images/preprocess.ts';

/**
 * What is shown of the files of make-policy-images.ts, which is recorded of Chromium 153 (drawn on a
 * white canvas of sRGB) and Pillow 13 (exif_transpose, ImageCms to sRGB, over white): docs/images.md.
 */
export const imagePolicy: Readonly<Record<string, Shown | Refused>> = {
  'icc.jpg': { as: 'both', width: 64, height: 48, colours: '3f3fc8 3ec389 c43e98 c3c455' },
  'icc-in-disorder.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '3f3fc8 3ec389 c43e98 c3c455',
  },
  'icc-part-missing.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4141c7 c24088 40c397 c3c256',
  },
  'icc-damaged.jpg': { as: 'both', width: 64, height: 48, colours: '4141c7 c24088 40c397 c3c256' },
  'icc-of-grey.jpg': { as: 'both', width: 64, height: 48, colours: '4141c7 c24088 40c397 c3c256' },
  'icc-of-cmyk.jpg': { as: 'both', width: 64, height: 48, colours: '4141c7 c24088 40c397 c3c256' },
  'icc-at-scan.jpg': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '3f3fc8 3ec389 c43e98 c3c455',
  },
  'grey-icc.jpg': { as: 'both', width: 64, height: 48, colours: '888888 e2e2e2 888888 e2e2e2' },
  'grey-icc-of-rgb.jpg': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '505050 cdcdcd 505050 cdcdcd',
  },
  'cmyk.jpg': { as: 'both', width: 64, height: 48, colours: '2449ff ce1ce0 71ff85 c1da3b' },
  'cmyk-without-adobe.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '2449ff ce1ce0 71ff85 c1da3b',
  },
  'cmyk-icc.jpg': { as: 'pillow', width: 64, height: 48, colours: '9ca0e6 fe97c1 9dceaf bfbf66' },
  'cmyk-icc-of-rgb.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '2449ff ce1ce0 71ff85 c1da3b',
  },
  'exif-6-then-1.jpg': {
    as: 'both',
    width: 48,
    height: 64,
    colours: '40be99 3f3cc9 c1bd59 c23b88',
  },
  'exif-1-then-6.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4141c7 c24088 40c397 c3c256',
  },
  'exif-damaged-then-6.jpg': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4141c7 c24088 40c397 c3c256',
  },
  'exif-long-little.jpg': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: '40be99 3f3cc9 c1bd59 c23b88',
  },
  'exif-long-big.jpg': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: 'bf418a bcc258 3d41c9 3cc39a',
  },
  'exif-short-little.jpg': {
    as: 'both',
    width: 48,
    height: 64,
    colours: '4141c7 40c397 c24088 c3c256',
  },
  'exif-9.jpg': { as: 'both', width: 64, height: 48, colours: '4141c7 c24088 40c397 c3c256' },
  'exif-at-scan.jpg': { as: 'both', width: 48, height: 64, colours: '40be99 3f3cc9 c1bd59 c23b88' },
  'icc.png': { as: 'both', width: 64, height: 48, colours: '3f3ec8 3fc388 c43e98 c4c356' },
  'icc-bad-checksum.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'icc-damaged.png': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'icc-of-grey.png': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'icc-bomb.png': { as: 'neither', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'gamma.png': { as: 'browsers', width: 64, height: 48, colours: '898ae5 e28ac0 89e3ca e2e39e' },
  'chromaticities.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'gamma-and-chromaticities.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '898aeb f085c3 67e5c9 e2e395',
  },
  'srgb-over-gamma.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'icc-over-srgb.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '3f3ec8 3fc388 c43e98 c4c356',
  },
  'codes-p3.png': { as: 'browsers', width: 64, height: 48, colours: '4041cf d33289 00c694 c2c340' },
  'codes-linear.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '898ae5 e28ac0 89e3ca e2e39e',
  },
  'codes-video.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '3637c4 bf3780 36c091 bfc04e',
  },
  'codes-over-icc.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041cf d33289 00c694 c2c340',
  },
  'codes-hdr.png': { as: 'pillow', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'exif.png': { as: 'both', width: 48, height: 64, colours: '40bd99 403bc9 c2bd59 c23b89' },
  'exif-after-pixels.png': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: '40bd99 403bc9 c2bd59 c23b89',
  },
  'exif-bad-checksum.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'exif-6-then-8.png': {
    as: 'browsers',
    width: 48,
    height: 64,
    colours: '40bd99 403bc9 c2bd59 c23b89',
  },
  'text-bad-checksum.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'many-parts.png': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'last-part-bad-checksum.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'middle-part-bad-checksum.png': { code: 'broken_picture', says: 'damaged' },
  'part-missing.png': { code: 'broken_picture', says: 'damaged' },
  'parts-apart.png': { code: 'broken_picture', says: 'damaged' },
  'without-end.png': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'cut-in-last-checksum.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'bytes-after-end.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'bytes-after-stream.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'rows-after-last.png': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'stream-bad-checksum.png': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'last-rows-missing.png': { code: 'broken_picture', says: 'damaged' },
  'half.png': { code: 'broken_picture', says: 'damaged' },
  'header-bad-checksum.png': { code: 'broken_picture', says: 'damaged' },
  'wide.png': { code: 'too_many_pixels', says: '70000 × 2 pixels; a side may have at most 65535' },
  'offset.gif': { as: 'browsers', width: 100, height: 80, colours: '1b2de1 d83381 ffffff ffffff' },
  'background.gif': {
    as: 'browsers',
    width: 100,
    height: 80,
    colours: '1b2de1 d83381 ffffff ffffff',
  },
  'screen-0.gif': { as: 'both', width: 64, height: 48, colours: '3c41c9 bb4589 3ec697 c6c654' },
  'screen-small.gif': { as: 'both', width: 64, height: 48, colours: '3c41c9 bb4589 3ec697 c6c654' },
  'screen-small-offset.gif': {
    as: 'browsers',
    width: 84,
    height: 58,
    colours: '0a1bf0 ad0ba6 07b8b8 aeb566',
  },
  'interlaced.gif': { as: 'both', width: 64, height: 48, colours: '3c41c9 bb4589 3ec697 c6c654' },
  'without-trailer.gif': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '3c41c9 bb4589 3ec697 c6c654',
  },
  'without-last-block.gif': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '3c41c9 bb4589 3ec697 c6c654',
  },
  'bytes-after-trailer.gif': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '3c41c9 bb4589 3ec697 c6c654',
  },
  'comment.gif': { as: 'both', width: 64, height: 48, colours: '3c41c9 bb4589 3ec697 c6c654' },
  'table-short.gif': { as: 'both', width: 64, height: 48, colours: '000000 000000 000000 000000' },
  'half.gif': { code: 'broken_picture', says: 'damaged' },
  'last-rows-missing.gif': { code: 'broken_picture', says: 'damaged' },
  'icc.webp': { as: 'both', width: 64, height: 48, colours: '3f3ec8 3fc388 c43e98 c4c356' },
  'icc-unannounced.webp': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'icc-of-grey.webp': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'exif.webp': { as: 'pillow', width: 48, height: 64, colours: '40bd99 403bc9 c2bd59 c23b89' },
  'exif-unannounced.webp': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'exif-before-pixels.webp': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: '40bd99 403bc9 c2bd59 c23b89',
  },
  'exif-with-prefix.webp': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: '40bd99 403bc9 c2bd59 c23b89',
  },
  'exif-6-then-1.webp': {
    as: 'pillow',
    width: 48,
    height: 64,
    colours: '40bd99 403bc9 c2bd59 c23b89',
  },
  'bytes-after-end.webp': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'codes-p3.avif': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '4041cf d33289 00c694 c2c340',
  },
  'codes-linear.avif': {
    as: 'browsers',
    width: 64,
    height: 48,
    colours: '898ae5 e28ac0 89e3ca e2e39e',
  },
  'codes-video.avif': { as: 'both', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'codes-unstated.avif': {
    as: 'both',
    width: 64,
    height: 48,
    colours: '4041c7 c24187 40c397 c2c357',
  },
  'codes-hdr.avif': { as: 'pillow', width: 64, height: 48, colours: '4041c7 c24187 40c397 c2c357' },
  'icc.avif': { as: 'both', width: 64, height: 48, colours: '3f3ec8 3fc388 c43e98 c4c356' },
  'heic.jpg': { code: 'unsupported_picture', says: 'a HEIC image' },
  'heic-of-layers.png': { code: 'unsupported_picture', says: 'a HEIC image' },
  'video.jpg': { code: 'unsupported_picture', says: 'a video' },
  'tiff.jpg': { code: 'unsupported_picture', says: 'a TIFF image' },
  'tiff-big-endian.png': { code: 'unsupported_picture', says: 'a TIFF image' },
  'bmp.png': { code: 'unsupported_picture', says: 'a BMP image' },
  'icon.png': { code: 'unsupported_picture', says: 'an icon' },
  'jxl.jpg': { code: 'unsupported_picture', says: 'a JPEG XL image' },
  'jxl-boxed.jpg': { code: 'unsupported_picture', says: 'a JPEG XL image' },
  'jp2.jpg': { code: 'unsupported_picture', says: 'a JPEG 2000 image' },
  'psd.jpg': { code: 'unsupported_picture', says: 'a Photoshop document' },
  'pdf.jpg': { code: 'unsupported_picture', says: 'a PDF document' },
  'html.jpg': { code: 'unsupported_picture', says: 'an HTML page' },
  'svg.png': { code: 'unsupported_picture', says: 'an SVG drawing' },
  'svg-with-doctype.png': { code: 'unsupported_picture', says: 'an SVG drawing' },
  'svg-with-prefix.png': { code: 'unsupported_picture', says: 'an SVG drawing' },
  'zip.jpg': { code: 'unsupported_picture', says: 'a ZIP archive' },
  'gzip.jpg': { code: 'unsupported_picture', says: 'compressed with gzip' },
  'empty.jpg': { code: 'unsupported_picture', says: 'empty' },
  'words.jpg': { code: 'unsupported_picture', says: 'not a JPEG, PNG, WebP, AVIF or GIF picture' },
};

/** An image that is shown, as both of them show it or as one does where they differ. */
interface Shown {
  readonly as: 'both' | 'browsers' | 'pillow' | 'neither';
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** Of the centres of its four quarters, row by row. */
  readonly colours: string;
}

interface Refused {
  readonly code: string;
  /** A part of the message. */
  readonly says: string;
}

/** Of a sample: decoders round in other places. */
const colourTolerance = 3;

/** Asserts that a file is shown or refused as it should be. */
export async function checkPolicy(name: string, decode: () => Promise<Shows>): Promise<void> {
  const expected = imagePolicy[name] as Shown | Refused;
  if ('code' in expected) {
    const error = await decode().catch((error: unknown) => error);
    const message = expect.stringContaining(expected.says);
    expect(error).toMatchObject({ code: expected.code, message });
    return;
  }
  const { width, height, picture } = await decode();
  expect([width, height]).toEqual([expected.width, expected.height]);
  const colours = (expected.colours.match(/[0-9a-f]{2}/g) ?? []).map((hex) =>
    Number.parseInt(hex, 16),
  );
  const differences = look(picture).map((sample, i) => Math.abs(sample - (colours[i] as number)));
  expect(Math.max(...differences)).toBeLessThanOrEqual(colourTolerance);
}

interface Shows {
  readonly width: number;
  readonly height: number;
  readonly picture: Picture;
}

/** @returns red, green and blue at the centres of the quarters */
function look({ width, height, channels, data }: Picture): number[] {
  const places = [1, 3].flatMap((row) => [1, 3].map((column) => [column, row] as const));
  return places.flatMap(([column, row]) => {
    const at = ((height * row) >> 2) * width + ((width * column) >> 2);
    return [...data.subarray(at * channels, at * channels + 3)];
  });
}
