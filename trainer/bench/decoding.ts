/**
 * Images a second of the decoding threads, compared with sharp (libvips) and its own threads, in
 * the same run and by turns; medians of five rounds. On a busy machine the CPU time an image says
 * more, since sharp has more threads to compete with.
 *
 *     pnpm --filter trainer bench:decoding [--size 128] [--only "12 MP PNG"]
 *
 * Both decode files of one kind as a training reads them, a few ahead: upright, in sRGB, over
 * white, and no larger than the network's input needs.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import sharp, { type Sharp } from 'sharp';
import { decodingThreads } from '../src/datasets/decoding/decoding-threads.ts';

const ROUNDS = 5;
/** Files that are read at a time, as training's read-ahead does. */
const AHEAD = 32;

const { values } = parseArgs({
  options: {
    record: { type: 'boolean' },
    /** Side of the network's input. */
    size: { type: 'string', default: '128' },
    /** One kind of file. */
    only: { type: 'string' },
  },
});
const size = Number(values.size);

type Read = (file: string) => Promise<unknown>;
const sides: Readonly<Record<'graft' | 'sharp', Read>> = {
  graft: (file) => decodingThreads.decode(file, size),
  sharp: readWithSharp,
};

interface Kind {
  readonly side: 'small' | 'large';
  /** Files of one round, which takes at least half a second. */
  readonly files: number;
  encode(image: Sharp): Sharp;
}

const kinds: Readonly<Record<string, Kind>> = {
  '500 px JPEG': { side: 'small', files: 256, encode: (image) => image.jpeg({ quality: 88 }) },
  '500 px PNG': { side: 'small', files: 96, encode: (image) => image.png() },
  '500 px WebP': { side: 'small', files: 96, encode: (image) => image.webp({ quality: 80 }) },
  '12 MP JPEG': { side: 'large', files: 32, encode: (image) => image.jpeg({ quality: 88 }) },
  '12 MP PNG': { side: 'large', files: 6, encode: (image) => image.png() },
  '12 MP WebP': { side: 'large', files: 8, encode: (image) => image.webp({ quality: 80 }) },
};

const sizes = { small: [500, 375], large: [4032, 3024] } as const;

sharp.cache(false);
const folder = await mkdtemp(join(tmpdir(), 'graft-decoding-'));
try {
  const ratios: Record<string, number> = {};
  const cpuRatios: Record<string, number> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    if (values.only !== undefined && values.only !== name) continue;
    const files = await makeFiles(name, kind);
    const rounds = { graft: [] as Round[], sharp: [] as Round[] };
    for (let round = -1; round < ROUNDS; round++) {
      for (const side of ['graft', 'sharp'] as const) {
        const result = await measure(files, sides[side]);
        // The first round warms up.
        if (round >= 0) rounds[side].push(result);
      }
    }
    const [ours, theirs] = [medianOf(rounds.graft), medianOf(rounds.sharp)];
    ratios[name] = Number((ours.rate / theirs.rate).toFixed(2));
    cpuRatios[name] = Number((theirs.cpuMs / ours.cpuMs).toFixed(2));
    console.log(`${name}: ${format(ours)}; sharp ${format(theirs)}`);
  }
  // The smallest ratio of all kinds, since a data set can be of any.
  await reportFigures('trainer bench:decoding', {
    ratio_sharp: Math.min(...Object.values(ratios)),
    ratios,
    cpuRatios,
  });
} finally {
  await rm(folder, { recursive: true });
}

/** Three images by turns, with grain, which no encoder can leave out. */
async function makeFiles(name: string, { side, files, encode }: Kind): Promise<string[]> {
  const [width, height] = sizes[side];
  await mkdir(join(folder, name));
  const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
  const distinct = await Promise.all(
    ['coffee', 'chelsea', 'rocket'].map(async (photo) => {
      const grain = await sharp({
        create: { width, height, channels: 3, background: '#000', noise },
      })
        .png({ compressionLevel: 0 })
        .toBuffer();
      const path = fileURLToPath(new URL(`../../shared/fixtures/${photo}.png`, import.meta.url));
      const image = sharp(path)
        .removeAlpha()
        .resize(width, height, { fit: 'cover' })
        .composite([{ input: grain, blend: 'soft-light' }]);
      return encode(image).toBuffer();
    }),
  );
  return Promise.all(
    Array.from({ length: files }, async (_, at) => {
      const path = join(folder, name, `${at}`);
      await writeFile(path, distinct[at % distinct.length] as Buffer);
      return path;
    }),
  );
}

interface Round {
  /** Images a second. */
  readonly rate: number;
  /** CPU time of all threads, in milliseconds an image. */
  readonly cpuMs: number;
}

async function measure(files: readonly string[], read: Read): Promise<Round> {
  const begin = performance.now();
  const cpu = process.cpuUsage();
  let next = 0;
  const work = async () => {
    for (let at = next++; at < files.length; at = next++) await read(files[at] as string);
  };
  await Promise.all(Array.from({ length: AHEAD }, work));
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: files.length / ((performance.now() - begin) / 1000),
    cpuMs: (user + system) / 1000 / files.length,
  };
}

/** Decodes as the trainer did before it had the Worker's decoders. */
async function readWithSharp(file: string): Promise<unknown> {
  const options = { failOn: 'error', autoOrient: true } as const;
  const { autoOrient } = await sharp(file, options).metadata();
  const { width, height } = autoOrient;
  const shorter = Math.min(width, height);
  let decoder = sharp(file, options).flatten({ background: '#fff' }).toColourspace('srgb');
  if (shorter > 4 * size) {
    const scale = (2 * size) / shorter;
    decoder = decoder.resize({
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      fit: 'fill',
      kernel: 'cubic',
    });
  }
  return decoder.raw({ depth: 'uchar' }).toBuffer();
}

function medianOf(rounds: readonly Round[]): Round {
  return {
    rate: median(rounds.map(({ rate }) => rate)),
    cpuMs: median(rounds.map(({ cpuMs }) => cpuMs)),
  };
}

function format({ rate, cpuMs }: Round): string {
  return `${rate.toFixed(1)} images/s, ${cpuMs.toFixed(1)} ms of CPU each`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
