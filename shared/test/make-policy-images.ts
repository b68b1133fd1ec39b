import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { having as havingBoxes, makeAvif, primaryItem, uint } from './avif.ts';
import { exif } from './exif.ts';
import { linearGrey, oddInks, proPhoto, swapped } from './icc.ts';
import { clap } from './make-avifs.ts';
import { makeForeignFiles } from './make-foreign-files.ts';
import type { Images } from './make-images.ts';
import { makeChunk, makePng } from './png.ts';

const [width, height] = [64, 48];

/** Red increases to the right, green downwards, blue in the opposite direction. */
const pixels = Buffer.from(
  Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return [(x * 255) / (width - 1), (y * 255) / (height - 1), 255 - 2 * x - 2 * y];
  }).flat(),
);

/** Files with one oddity each, whose decoding docs/images.md describes and image-policy.ts expects. */
export async function makePolicyImages(): Promise<Images> {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  const files = [
    await jpegs(image),
    pngs(),
    await gifs(image),
    await webps(image),
    await avifs(image),
    makeForeignFiles(),
  ].flatMap((group) => Object.entries(group));
  return new Map(files.map(([name, file]) => [`policy-${name}`, file]));
}

type Files = Record<string, Buffer>;

async function jpegs(image: Sharp): Promise<Files> {
  const options = { quality: 95, chromaSubsampling: '4:4:4' };
  const plain = await image.clone().jpeg(options).toBuffer();
  const grey = await image.clone().extractChannel('red').jpeg(options).toBuffer();
  const cmyk = await image.clone().toColourspace('cmyk').jpeg(options).toBuffer();
  const segment = (marker: number, ...data: Uint8Array[]): Buffer => {
    const all = Buffer.concat(data);
    return Buffer.concat([Buffer.from([255, marker]), uint(all.length + 2, 2), all]);
  };
  const icc = (profile: Buffer, count = 1, order = [...Array(count).keys()]): Buffer[] => {
    const length = Math.ceil(profile.length / count);
    return order.map((i) =>
      segment(
        0xe2,
        Buffer.from('ICC_PROFILE\0'),
        Buffer.from([i + 1, count]),
        profile.subarray(i * length, (i + 1) * length),
      ),
    );
  };
  const app1 = (tiff: Buffer): Buffer => segment(0xe1, Buffer.from('Exif\0\0'), tiff);
  const having = (file: Buffer, ...segments: Buffer[]): Buffer =>
    Buffer.concat([file.subarray(0, 2), ...segments, file.subarray(2)]);
  const scan = plain.indexOf(Buffer.from([255, 0xda]));
  const adobe = cmyk.indexOf(Buffer.from([255, 0xee]));
  return {
    'arithmetic.jpg': await readFile(new URL('../fixtures/arithmetic.jpg', import.meta.url)),
    'icc.jpg': having(plain, ...icc(swapped)),
    'icc-in-disorder.jpg': having(plain, ...icc(swapped, 4, [2, 0, 3, 1])),
    'icc-part-missing.jpg': having(plain, ...icc(swapped, 4, [0, 1, 3])),
    'icc-damaged.jpg': having(plain, ...icc(swapped.subarray(0, 150))),
    'icc-of-grey.jpg': having(plain, ...icc(linearGrey)),
    'icc-of-cmyk.jpg': having(plain, ...icc(oddInks)),
    'icc-at-scan.jpg': Buffer.concat([
      plain.subarray(0, scan),
      ...icc(swapped),
      plain.subarray(scan),
    ]),
    'grey-icc.jpg': having(grey, ...icc(linearGrey)),
    'grey-icc-of-rgb.jpg': having(grey, ...icc(proPhoto)),
    'cmyk.jpg': cmyk,
    'cmyk-without-adobe.jpg': Buffer.concat([cmyk.subarray(0, adobe), cmyk.subarray(adobe + 16)]),
    'cmyk-icc.jpg': having(cmyk, ...icc(oddInks)),
    'cmyk-icc-of-rgb.jpg': having(cmyk, ...icc(swapped)),
    'exif-6-then-1.jpg': having(plain, app1(exif(6)), app1(exif(1))),
    'exif-1-then-6.jpg': having(plain, app1(exif(1)), app1(exif(6))),
    'exif-damaged-then-6.jpg': having(plain, app1(Buffer.from('XX')), app1(exif(6))),
    'exif-long-little.jpg': having(plain, app1(exif(6, 'II', 4))),
    'exif-long-big.jpg': having(plain, app1(exif(8, 'MM', 4))),
    'exif-short-little.jpg': having(plain, app1(exif(5, 'II'))),
    'exif-9.jpg': having(plain, app1(exif(9))),
    'exif-at-scan.jpg': Buffer.concat([
      plain.subarray(0, scan),
      app1(exif(6)),
      plain.subarray(scan),
    ]),
  };
}

function pngs(): Files {
  const fields = { width, height, depth: 8, colourType: 2 };
  const rows = Buffer.concat(
    Array.from({ length: height }, (_, y) =>
      Buffer.concat([Buffer.of(0), pixels.subarray(y * width * 3, (y + 1) * width * 3)]),
    ),
  );
  const plain = makePng(fields, rows);
  // The filter, and the red of each pixel.
  const greyRows = rows.filter((_, i) => {
    const place = i % (width * 3 + 1);
    return place === 0 || place % 3 === 1;
  });
  const veiled = (...chunks: Buffer[]): Buffer => {
    const rgba = Array.from({ length: height }, (_, y) => [
      0,
      ...Array.from({ length: width }, (_, x) => [
        ...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
        128,
      ]).flat(),
    ]);
    return makePng({ ...fields, colourType: 6 }, Buffer.from(rgba.flat()), chunks);
  };
  const stream = deflateSync(rows);
  const having = (...chunks: Buffer[]): Buffer => makePng(fields, rows, chunks);
  const head = plain.subarray(0, 33);
  const end = makeChunk('IEND');
  const file = (...chunks: Buffer[]): Buffer => Buffer.concat([head, ...chunks]);
  const badly = (chunk: Buffer): Buffer => {
    const copy = Buffer.from(chunk);
    copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
    return copy;
  };
  const idat = (data: Buffer): Buffer => makeChunk('IDAT', data);
  const icc = (profile: Buffer): Buffer =>
    makeChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(profile)]));
  const gama = makeChunk('gAMA', uint(100_000, 4));
  const chrm = makeChunk(
    'cHRM',
    Buffer.concat([31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000].map((n) => uint(n, 4))),
  );
  const cicp = (...codes: number[]): Buffer => makeChunk('cICP', Buffer.from(codes));
  const turned = (orientation: number): Buffer => makeChunk('eXIf', exif(orientation));
  const [first, second, third] = [[0, 300], [300, 600], [600]].map(([a, b]) =>
    idat(stream.subarray(a, b)),
  ) as [Buffer, Buffer, Buffer];
  const more = deflateSync(Buffer.concat([rows, Buffer.alloc(1_000_000)]));
  return {
    'icc.png': having(icc(swapped)),
    'grey-icc.png': makePng({ ...fields, colourType: 0 }, greyRows, [icc(linearGrey)]),
    'icc-alpha.png': veiled(icc(proPhoto)),
    'gamma-alpha.png': veiled(gama),
    'icc-bad-checksum.png': having(badly(icc(swapped))),
    'icc-damaged.png': having(icc(swapped.subarray(0, 150))),
    'icc-of-grey.png': having(icc(linearGrey)),
    'icc-bomb.png': having(icc(Buffer.concat([swapped, Buffer.alloc(8_000_000)]))),
    'gamma.png': having(gama),
    'gamma-usual.png': having(makeChunk('gAMA', uint(45_455, 4))),
    'chromaticities.png': having(chrm),
    'gamma-and-chromaticities.png': having(gama, chrm),
    'srgb-over-gamma.png': having(gama, makeChunk('sRGB', Buffer.of(0))),
    'icc-over-srgb.png': having(makeChunk('sRGB', Buffer.of(0)), icc(swapped)),
    'codes-p3.png': having(cicp(12, 13, 0, 1)),
    'codes-linear.png': having(cicp(1, 8, 0, 1)),
    'codes-video.png': having(cicp(1, 1, 0, 1)),
    'codes-over-icc.png': having(cicp(12, 13, 0, 1), icc(swapped)),
    'codes-hdr.png': having(cicp(9, 16, 0, 1)),
    'exif.png': having(turned(6)),
    'exif-after-pixels.png': file(idat(stream), turned(6), end),
    'exif-bad-checksum.png': having(badly(turned(6))),
    'exif-6-then-8.png': file(turned(6), idat(stream), turned(8), end),
    'text-bad-checksum.png': having(badly(makeChunk('tEXt', Buffer.from('a\0b')))),
    'many-parts.png': file(...Array(20).fill(idat(Buffer.alloc(0))), first, second, third, end),
    'last-part-bad-checksum.png': file(badly(idat(stream)), end),
    'middle-part-bad-checksum.png': file(first, badly(second), third, end),
    'part-missing.png': file(first, third, end),
    'parts-apart.png': file(first, makeChunk('tEXt', Buffer.from('a\0b')), second, third, end),
    'without-end.png': file(idat(stream)),
    'cut-in-last-checksum.png': plain.subarray(0, -14),
    'bytes-after-end.png': Buffer.concat([plain, Buffer.alloc(500, 'MP4')]),
    'bytes-after-stream.png': file(idat(Buffer.concat([stream, Buffer.alloc(500, 1)])), end),
    'rows-after-last.png': file(idat(more), end),
    'stream-bad-checksum.png': file(
      idat(Buffer.concat([stream.subarray(0, -1), Buffer.of(1)])),
      end,
    ),
    'last-rows-missing.png': file(idat(deflateSync(rows.subarray(0, -400))), end),
    'half.png': plain.subarray(0, plain.length >> 1),
    'header-bad-checksum.png': Buffer.concat([
      plain.subarray(0, 8),
      badly(plain.subarray(8, 33)),
      plain.subarray(33),
    ]),
    'wide.png': makePng({ ...fields, width: 70_000, height: 2 }, Buffer.alloc(2 * 210_001)),
  };
}

async function gifs(image: Sharp): Promise<Files> {
  const plain = await image.clone().gif({ colours: 32, dither: 0 }).toBuffer();
  const table = 13 + 3 * 2 ** (((plain[10] as number) & 7) + 1);
  const frameAt = plain.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, width, 0, height, 0]));
  const screen = (file: Buffer, w: number, h: number): Buffer => {
    const copy = Buffer.from(file);
    copy.writeUInt16LE(w, 6);
    copy.writeUInt16LE(h, 8);
    return copy;
  };
  const moved = (x: number, y: number): Buffer => {
    const copy = Buffer.from(plain);
    copy.writeUInt16LE(x, frameAt + 1);
    copy.writeUInt16LE(y, frameAt + 3);
    return copy;
  };
  const comment = Buffer.concat([
    Buffer.from([0x21, 0xfe]),
    ...Array<Buffer>(20).fill(Buffer.alloc(256, 255)),
    Buffer.of(0),
  ]);
  const background = screen(moved(20, 10), 100, 80);
  background.writeUInt8(3, 11);
  const shortTable = Buffer.concat([plain.subarray(0, 13 + 24), plain.subarray(table)]);
  shortTable.writeUInt8((plain.readUInt8(10) & 0xf8) | 2, 10);
  return {
    'offset.gif': screen(moved(20, 10), 100, 80),
    'background.gif': background,
    'screen-0.gif': screen(plain, 0, 0),
    'screen-small.gif': screen(plain, 10, 10),
    'screen-small-offset.gif': screen(moved(20, 10), 10, 10),
    'interlaced.gif': await image
      .clone()
      .gif({ colours: 32, dither: 0, progressive: true })
      .toBuffer(),
    'without-trailer.gif': plain.subarray(0, -1),
    'without-last-block.gif': plain.subarray(0, -2),
    'bytes-after-trailer.gif': Buffer.concat([plain, Buffer.alloc(500, 'GIF')]),
    'comment.gif': Buffer.concat([plain.subarray(0, table), comment, plain.subarray(table)]),
    'table-short.gif': shortTable,
    'half.gif': plain.subarray(0, plain.length >> 1),
    'last-rows-missing.gif': plain.subarray(0, -40),
  };
}

async function webps(image: Sharp): Promise<Files> {
  const plain = await image.clone().webp({ lossless: true }).toBuffer();
  const chunk = (name: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return Buffer.concat([Buffer.from(name), length, data, Buffer.alloc(data.length & 1)]);
  };
  const riff = (flags: number, ...chunks: Buffer[]): Buffer => {
    const extended = chunk(
      'VP8X',
      Buffer.from([flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0]),
    );
    return chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), extended, ...chunks]));
  };
  const coded = plain.subarray(12);
  const [icc, turned] = [chunk('ICCP', swapped), chunk('EXIF', exif(6))];
  const veiled = await image.clone().ensureAlpha(0.5).webp({ quality: 100 }).toBuffer();
  return {
    'icc.webp': riff(0x20, icc, coded),
    'alpha-unannounced.webp': riff(0, veiled.subarray(30)),
    'icc-unannounced.webp': riff(0, icc, coded),
    'icc-of-grey.webp': riff(0x20, chunk('ICCP', linearGrey), coded),
    'exif.webp': riff(8, coded, turned),
    'exif-unannounced.webp': riff(0, coded, turned),
    'exif-before-pixels.webp': riff(8, turned, coded),
    'exif-with-prefix.webp': riff(
      8,
      coded,
      chunk('EXIF', Buffer.concat([Buffer.from('Exif\0\0'), exif(6)])),
    ),
    'exif-6-then-1.webp': riff(8, coded, turned, chunk('EXIF', exif(1))),
    'bytes-after-end.webp': Buffer.concat([plain, Buffer.alloc(500, 'MP4')]),
  };
}

async function avifs(image: Sharp): Promise<Files> {
  const plain = await image.clone().avif({ lossless: true }).toBuffer();
  const codes = (primaries: number, transfer: number): Buffer => {
    const copy = Buffer.from(plain);
    copy.set(Buffer.concat([uint(primaries, 2), uint(transfer, 2)]), copy.indexOf('nclx') + 4);
    return copy;
  };
  const cropped = (...crop: Parameters<typeof clap>): Buffer =>
    makeAvif([havingBoxes(primaryItem(plain), clap(...crop))]);
  return {
    'codes-p3.avif': codes(12, 13),
    'codes-linear.avif': codes(1, 8),
    'codes-video.avif': codes(1, 1),
    'codes-unstated.avif': codes(2, 2),
    'codes-hdr.avif': codes(9, 16),
    'crop.avif': cropped(32, 24, -16, -12),
    'crop-beyond-edge.avif': cropped(100, 60, 0, 0),
    'grey-icc.avif': await readFile(new URL('../fixtures/grey-icc.avif', import.meta.url)),
    'icc.avif': await sharp(pngs()['icc.png']).keepIccProfile().avif({ lossless: true }).toBuffer(),
  };
}
