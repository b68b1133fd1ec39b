import { constants, createDeflate, deflateSync } from 'node:zlib';
import { makeGridAvif } from 'shared/test/avif-grid';
import { makeScanBomb } from 'shared/test/make-scan-bomb';
import { makeChunk, makePng } from 'shared/test/png';
import sharp, { type Sharp } from 'sharp';
import { defaultLimits } from '../../src/limits.ts';

/** What a file may be filled up with. */
const room = defaultLimits.maxBytes - 100_000;

/** Seeds of each format: small files, the largest that the Worker accepts, and known attacks. */
export async function makeSeeds(): Promise<Readonly<Record<string, readonly Uint8Array[]>>> {
  const noisy = (width: number, height: number): Sharp => {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
    return sharp({ create: { width, height, channels: 3, background: '#000', noise } });
  };
  const small = (): Sharp => noisy(256, 256);
  const large = (): Sharp => noisy(2800, 2100);
  const transparent = (): Sharp => small().ensureAlpha(0.5);
  const smallJpeg = await small().jpeg().toBuffer();
  const smallPng = await small().png().toBuffer();
  const smallWebp = await small().webp().toBuffer();
  const smallGif = await small().gif({ effort: 1 }).toBuffer();
  return {
    jpeg: [
      makeScanBomb(1024, 100),
      makeScanBomb(1024, 2000),
      makeScanBomb(8, 300_000),
      await noisy(4000, 3000).jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer(),
      await large().jpeg({ progressive: true, quality: 95 }).toBuffer(),
      await small().jpeg({ progressive: true }).toBuffer(),
      await small().toColourspace('cmyk').withIccProfile('cmyk').jpeg().toBuffer(),
      fill(smallJpeg, 2, Buffer.from('ffe10002', 'hex')),
    ],
    png: [
      smallPng,
      await large().png({ progressive: true }).toBuffer(),
      makePng({ width: 65_535, height: 760, depth: 8, colourType: 0 }, Buffer.alloc(65_536 * 760)),
      await makeLongPng(1_000_000_000),
      makePng({ width: 9, height: 9, depth: 8, colourType: 0 }, Buffer.alloc(90), [
        makeChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(3e8))])),
      ]),
      fill(smallPng, 33, makeChunk('teSt')),
      fill(smallPng, 33, makeChunk('IDAT')),
    ],
    webp: [
      await large().webp({ quality: 95, effort: 0 }).toBuffer(),
      await large().webp({ lossless: true, effort: 0 }).toBuffer(),
      await transparent().webp({ quality: 80 }).toBuffer(),
      await small().webp({ lossless: true }).toBuffer(),
      fill(smallWebp, smallWebp.length, Buffer.alloc(8)),
      fill(smallWebp, 12, Buffer.from('teSt\0\0\0\0')),
    ],
    avif: [
      await large().avif({ effort: 0, quality: 90 }).toBuffer(),
      await large().avif({ effort: 0, bitdepth: 12, quality: 90 }).toBuffer(),
      await transparent().avif({ effort: 0 }).toBuffer(),
      await makeGridAvif(transparent(), 64),
    ],
    gif: [
      smallGif,
      await large().gif({ effort: 1 }).toBuffer(),
      // A canvas of 10 × 10 around a large frame.
      Buffer.concat([
        (await noisy(3600, 3400).gif({ effort: 1 }).toBuffer()).fill(10, 6, 7).fill(0, 7, 8),
      ]),
      fill(smallGif, 13 + 3 * 256, Buffer.from('21fe00', 'hex')),
    ],
  };
}

/** Repeats bytes at a position of a file, as often as the Worker's limit allows. */
function fill(file: Buffer, at: number, bytes: Buffer): Buffer {
  const filling = Buffer.alloc(Math.floor(room / bytes.length) * bytes.length, bytes);
  return Buffer.concat([file.subarray(0, at), filling, file.subarray(at)]);
}

/** A PNG of 9 × 9 whose zlib stream goes on with as many zeros. */
async function makeLongPng(zeros: number): Promise<Buffer> {
  const deflate = createDeflate({ level: constants.Z_BEST_SPEED });
  const piece = Buffer.alloc(1 << 20);
  for (let written = 0; written < zeros; written += piece.length) deflate.write(piece);
  deflate.end();
  const png = makePng({ width: 9, height: 9, depth: 8, colourType: 0 }, new Uint8Array(0));
  const stream = Buffer.concat(await Array.fromAsync<Buffer>(deflate));
  return Buffer.concat([png.subarray(0, 33), makeChunk('IDAT', stream), makeChunk('IEND')]);
}
