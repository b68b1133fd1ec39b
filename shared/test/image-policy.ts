import { expect } from 'vitest';
import type { Image } from '../src/images/image.ts';

/** Upright size, and the RGB colours at the centres of the four quarters, row by row. */
interface Shown {
  readonly seen: string;
}

interface Refused {
  readonly code: string;
  /** A part of the message. */
  readonly says: string;
}

/** As both Chromium 153 on a white canvas and Pillow 13 with ImageCms over white decode it. */
const both = (seen: string): Shown => ({ seen });
/** As Chromium decodes it; Pillow differs or refuses. */
const browsers = both;
/** As Pillow decodes it; Chromium differs or refuses. */
const pillow = both;
/** As neither decodes it; docs/images.md says why. */
const neither = both;

function refused(code: string, says: string): Refused {
  return { code, says };
}

/** The expected colours of the files of make-policy-images.ts, or the reason why they are refused. */
export const imagePolicy: Readonly<Record<string, Shown | Refused>> = {
  'arithmetic.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'icc.jpg': both('64 × 48: 3f3fc8 3ec389 c43e98 c3c455'),
  'icc-in-disorder.jpg': both('64 × 48: 3f3fc8 3ec389 c43e98 c3c455'),
  'icc-part-missing.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'icc-damaged.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'icc-of-grey.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'icc-of-cmyk.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'icc-at-scan.jpg': browsers('64 × 48: 3f3fc8 3ec389 c43e98 c3c455'),
  'grey-icc.jpg': both('64 × 48: 888888 e2e2e2 888888 e2e2e2'),
  'grey-icc-of-rgb.jpg': browsers('64 × 48: 505050 cdcdcd 505050 cdcdcd'),
  'cmyk.jpg': both('64 × 48: 2449ff ce1ce0 71ff85 c1da3b'),
  'cmyk-without-adobe.jpg': both('64 × 48: 2449ff ce1ce0 71ff85 c1da3b'),
  'cmyk-icc.jpg': pillow('64 × 48: 9ca0e6 fe97c1 9dceaf bfbf66'),
  'cmyk-icc-of-rgb.jpg': both('64 × 48: 2449ff ce1ce0 71ff85 c1da3b'),
  'exif-6-then-1.jpg': both('48 × 64: 40be99 3f3cc9 c1bd59 c23b88'),
  'exif-1-then-6.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'exif-damaged-then-6.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'exif-long-little.jpg': pillow('48 × 64: 40be99 3f3cc9 c1bd59 c23b88'),
  'exif-long-big.jpg': pillow('48 × 64: bf418a bcc258 3d41c9 3cc39a'),
  'exif-short-little.jpg': both('48 × 64: 4141c7 40c397 c24088 c3c256'),
  'exif-9.jpg': both('64 × 48: 4141c7 c24088 40c397 c3c256'),
  'exif-at-scan.jpg': both('48 × 64: 40be99 3f3cc9 c1bd59 c23b88'),
  'icc.png': both('64 × 48: 3f3ec8 3fc388 c43e98 c4c356'),
  'icc-alpha.png': both('64 × 48: 7fa9ee ff7fd0 7fefd0 efe7a5'),
  'gamma-alpha.png': browsers('64 × 48: c4c5f2 f0c5e0 c4f1e5 f0f1cf'),
  'grey-icc.png': both('64 × 48: 898989 e2e2e2 898989 e2e2e2'),
  'icc-bad-checksum.png': browsers('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'icc-damaged.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'icc-of-grey.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'icc-bomb.png': neither('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'gamma.png': browsers('64 × 48: 898ae5 e28ac0 89e3ca e2e39e'),
  'gamma-usual.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'chromaticities.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'gamma-and-chromaticities.png': browsers('64 × 48: 898aeb f085c3 67e5c9 e2e395'),
  'srgb-over-gamma.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'icc-over-srgb.png': both('64 × 48: 3f3ec8 3fc388 c43e98 c4c356'),
  'codes-p3.png': browsers('64 × 48: 4041cf d33289 00c694 c2c340'),
  'codes-linear.png': browsers('64 × 48: 898ae5 e28ac0 89e3ca e2e39e'),
  'codes-video.png': browsers('64 × 48: 3637c4 bf3780 36c091 bfc04e'),
  'codes-over-icc.png': browsers('64 × 48: 4041cf d33289 00c694 c2c340'),
  'codes-hdr.png': pillow('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'exif.png': both('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'exif-after-pixels.png': pillow('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'exif-bad-checksum.png': browsers('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'exif-6-then-8.png': browsers('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'text-bad-checksum.png': browsers('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'many-parts.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'last-part-bad-checksum.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'middle-part-bad-checksum.png': refused('broken_image', 'damaged'),
  'part-missing.png': refused('broken_image', 'damaged'),
  'parts-apart.png': refused('broken_image', 'damaged'),
  'without-end.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'cut-in-last-checksum.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'bytes-after-end.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'bytes-after-stream.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'rows-after-last.png': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'stream-bad-checksum.png': browsers('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'last-rows-missing.png': refused('broken_image', 'damaged'),
  'half.png': refused('broken_image', 'damaged'),
  'header-bad-checksum.png': refused('broken_image', 'damaged'),
  'wide.png': refused('too_many_pixels', '70000 × 2 pixels; a side may have at most 65535'),
  'offset.gif': browsers('100 × 80: 1b2de1 d83381 ffffff ffffff'),
  'background.gif': browsers('100 × 80: 1b2de1 d83381 ffffff ffffff'),
  'screen-0.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'screen-small.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'screen-small-offset.gif': browsers('84 × 58: 0a1bf0 ad0ba6 07b8b8 aeb566'),
  'interlaced.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'without-trailer.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'without-last-block.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'bytes-after-trailer.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'comment.gif': both('64 × 48: 3c41c9 bb4589 3ec697 c6c654'),
  'table-short.gif': both('64 × 48: 000000 000000 000000 000000'),
  'half.gif': refused('broken_image', 'damaged'),
  'last-rows-missing.gif': refused('broken_image', 'damaged'),
  'icc.webp': both('64 × 48: 3f3ec8 3fc388 c43e98 c4c356'),
  'alpha-unannounced.webp': both('64 × 48: 4041c7 c44289 41c397 c4c358'),
  'icc-unannounced.webp': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'icc-of-grey.webp': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'exif.webp': pillow('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'exif-unannounced.webp': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'exif-before-pixels.webp': pillow('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'exif-with-prefix.webp': pillow('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'exif-6-then-1.webp': pillow('48 × 64: 40bd99 403bc9 c2bd59 c23b89'),
  'bytes-after-end.webp': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'codes-p3.avif': browsers('64 × 48: 4041cf d33289 00c694 c2c340'),
  'codes-linear.avif': browsers('64 × 48: 898ae5 e28ac0 89e3ca e2e39e'),
  'codes-video.avif': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'codes-unstated.avif': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'codes-hdr.avif': pillow('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'crop.avif': browsers('32 × 24: 2020e3 6120c3 2061cb 6161ab'),
  'crop-beyond-edge.avif': both('64 × 48: 4041c7 c24187 40c397 c2c357'),
  'grey-icc.avif': both('64 × 48: 898989 e2e2e2 898989 e2e2e2'),
  'icc.avif': both('64 × 48: 3f3ec8 3fc388 c43e98 c4c356'),
  'heic.jpg': refused('unsupported_image', 'a HEIC image'),
  'heic-of-layers.png': refused('unsupported_image', 'a HEIC image'),
  'video.jpg': refused('unsupported_image', 'a video'),
  'tiff.jpg': refused('unsupported_image', 'a TIFF image'),
  'tiff-big-endian.png': refused('unsupported_image', 'a TIFF image'),
  'bmp.png': refused('unsupported_image', 'a BMP image'),
  'icon.png': refused('unsupported_image', 'an icon'),
  'jxl.jpg': refused('unsupported_image', 'a JPEG XL image'),
  'jxl-boxed.jpg': refused('unsupported_image', 'a JPEG XL image'),
  'jp2.jpg': refused('unsupported_image', 'a JPEG 2000 image'),
  'psd.jpg': refused('unsupported_image', 'a Photoshop document'),
  'pdf.jpg': refused('unsupported_image', 'a PDF document'),
  'html.jpg': refused('unsupported_image', 'an HTML page'),
  'svg.png': refused('unsupported_image', 'an SVG drawing'),
  'svg-with-doctype.png': refused('unsupported_image', 'an SVG drawing'),
  'svg-with-prefix.png': refused('unsupported_image', 'an SVG drawing'),
  'zip.jpg': refused('unsupported_image', 'a ZIP archive'),
  'gzip.jpg': refused('unsupported_image', 'compressed with gzip'),
  'empty.jpg': refused('unsupported_image', 'empty'),
  'words.jpg': refused('unsupported_image', 'not a JPEG, PNG, WebP, AVIF or GIF image'),
};

/** Tolerance per sample, since decoders round differently. */
const colourTolerance = 3;

/** Asserts that a file is decoded or refused as the policy says. */
export async function checkPolicy(name: string, decode: () => Promise<Shows>): Promise<void> {
  const expected = imagePolicy[name] as Shown | Refused;
  if ('code' in expected) {
    const error = await decode().catch((error: unknown) => error);
    const message = expect.stringContaining(expected.says);
    expect(error).toMatchObject({ code: expected.code, message });
    return;
  }
  const { width, height, image } = await decode();
  const [size, hexes = ''] = expected.seen.split(': ');
  expect(`${width} × ${height}`).toBe(size);
  const colours = hexes.match(/\w\w/g)?.map((hex) => Number.parseInt(hex, 16)) ?? [];
  const differences = look(image).map((sample, i) => Math.abs(sample - (colours[i] as number)));
  expect(Math.max(...differences)).toBeLessThanOrEqual(colourTolerance);
}

interface Shows {
  readonly width: number;
  readonly height: number;
  readonly image: Image;
}

/** @returns the RGB colours at the centres of the quarters */
function look({ width, height, channels, data }: Image): number[] {
  const places = [1, 3].flatMap((row) => [1, 3].map((column) => [column, row] as const));
  return places.flatMap(([column, row]) => {
    const at = ((height * row) >> 2) * width + ((width * column) >> 2);
    return [...data.subarray(at * channels, at * channels + 3)];
  });
}
