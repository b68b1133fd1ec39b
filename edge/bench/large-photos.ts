/**
 * Measures the memory that large photos take: `pnpm --filter edge bench:photos`. The Worker in workerd
 * classifies each photo while its memory is watched, and the predictions are compared with those of a full
 * decode.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import { type ClassifyResponse, classifyResponse } from 'shared/contract/responses';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { makeGridAvif } from 'shared/test/avif-grid';
import sharp, { type AvifOptions, type Sharp } from 'sharp';
import { createTestHarness } from 'wrangler';
import { watchWorkerd } from './measuring/process-use.ts';

export interface LargePhoto {
  readonly name: string;
  readonly megapixels: number;
  readonly megabytes: number;
  /** The largest growth of the process' memory, in 10^6 bytes. */
  readonly growthMb: number;
  /** The most probable label, and that after a full decode. */
  readonly label: string;
  readonly fullLabel: string;
  /** The largest difference of a top-5 probability from that after a full decode. */
  readonly maxDifference: number;
  readonly decodeMs: number;
}

const edge = fileURLToPath(new URL('..', import.meta.url));

/** Sides of camera images, in pixels. */
const sides = { 12: [4032, 3024], 48: [8064, 6048] } as const;

type Encode = (photo: Sharp) => Promise<Buffer>;

const jpeg =
  (quality: number): Encode =>
  (photo) =>
    photo.jpeg({ quality }).toBuffer();

const avif =
  (options: AvifOptions): Encode =>
  (photo) =>
    photo.avif({ effort: 0, ...options }).toBuffer();

/**
 * Name, megapixels, fixture, grain as a standard deviation, format.
 *
 * Coffee has a label with a high probability. The grain differs each time, and would change the label of a
 * less certain photo, such as the cat, from run to run.
 */
const photos: readonly (readonly [string, keyof typeof sides, string, number, Encode])[] = [
  ['baseline JPEG', 12, 'coffee', 12, jpeg(85)],
  ['baseline JPEG', 48, 'coffee', 8, jpeg(85)],
  // About the largest file that the Worker accepts.
  ['grainy JPEG', 48, 'coffee', 20, jpeg(90)],
  ['progressive JPEG', 12, 'coffee', 12, (photo) => photo.jpeg({ progressive: true }).toBuffer()],
  // Grain would make the file too large for the Worker.
  ['PNG', 12, 'coffee', 0, (photo) => photo.png({ adaptiveFiltering: true }).toBuffer()],
  ['WebP', 12, 'coffee', 12, (photo) => photo.webp({ effort: 0 }).toBuffer()],
  ['AVIF', 12, 'coffee', 12, avif({ chromaSubsampling: '4:2:0' })],
  ['AVIF 4:4:4', 12, 'coffee', 12, avif({ chromaSubsampling: '4:4:4' })],
  ['AVIF in a grid', 48, 'coffee', 8, (photo) => makeGridAvif(photo, 1024)],
  ['GIF', 12, 'coffee', 0, (photo) => photo.gif({ effort: 1, dither: 0 }).toBuffer()],
];

/** Classifies each photo in a new, warm Worker. */
export async function measureLargePhotos(): Promise<LargePhoto[]> {
  const results: LargePhoto[] = [];
  for (const [name, megapixels, source, grain, encode] of photos) {
    const file = await encode(await enlarge(source, megapixels, grain));
    results.push({
      name,
      megapixels,
      megabytes: file.length / 1e6,
      ...(await measure(file, await decodeFully(file))),
    });
  }
  return results;
}

type Measured = Omit<LargePhoto, 'name' | 'megapixels' | 'megabytes'>;

/** @param decoded the network's input after a full decode, as a PNG */
async function measure(file: Buffer, decoded: Buffer): Promise<Measured> {
  const files: Buffer[] = [];
  const host = createServer((request, response) =>
    response.end(files[Number(request.url?.slice(1))]),
  );
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const { port } = host.address() as AddressInfo;
  const worker = createTestHarness({
    root: edge,
    workers: [{ configPath: 'wrangler.jsonc', vars: { ALLOW_LOOPBACK: '1' } }],
  });
  const classify = async (
    file: Buffer,
  ): Promise<{ response: ClassifyResponse; decodeMs: number }> => {
    // A new url each time, since the Worker caches responses.
    const url = `http://127.0.0.1:${port}/${files.push(file) - 1}`;
    const query = new URLSearchParams({ url, model: 'imagenet' });
    const response = await worker.fetch(`/classify?${query}`);
    const body = await response.json();
    if (!response.ok) throw new Error(`The Worker responded with ${JSON.stringify(body)}.`);
    const stages = response.headers.get('server-timing') ?? '';
    const decodeMs = Number(/decode;dur=([\d.]+)/.exec(stages)?.[1]);
    return { response: classifyResponse.parse(body), decodeMs };
  };
  try {
    await worker.listen();
    for (let i = 0; i < 5; i++) await classify(decoded);
    const full = await classify(decoded);
    const memory = watchWorkerd();
    const warm = memory.resident();
    memory.resetPeak();
    const { response, decodeMs } = await classify(file);
    return {
      growthMb: (memory.peak() - warm) / 1e6,
      ...compare(response, full.response),
      decodeMs,
    };
  } finally {
    await worker.close();
    host.closeAllConnections();
    host.close();
  }
}

/** Enlarges a photo and adds the grain of a photo of that size. */
async function enlarge(
  source: string,
  megapixels: keyof typeof sides,
  grain: number,
): Promise<Sharp> {
  const [width, height] = sides[megapixels];
  const photo = sharp(fixture(source)).resize(width, height, { fit: 'cover' });
  if (grain === 0) return photo;
  const background = '#000';
  const noise = { type: 'gaussian', mean: 128, sigma: grain * 2 } as const;
  const tile = { width: 1024, height: 1024, channels: 3, background, noise } as const;
  const input = await sharp({ create: tile }).png({ compressionLevel: 1 }).toBuffer();
  return photo.composite([{ input, tile: true, blend: 'soft-light' }]).removeAlpha();
}

/** @returns a PNG of the network's input after a full decode */
async function decodeFully(file: Buffer): Promise<Buffer> {
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const size = 224;
  const input = preprocess(
    { width, height, channels: 3, data },
    {
      fit: 'cover',
      size,
      filter: 'bicubic',
      channelOrder: 'rgb',
      arithmetic: [],
    },
  );
  return sharp(Uint8Array.from(input), { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

function compare(
  reduced: ClassifyResponse,
  full: ClassifyResponse,
): Pick<LargePhoto, 'label' | 'fullLabel' | 'maxDifference'> {
  const differences = full.predictions.map(({ index, probability }) => {
    const same = reduced.predictions.find((prediction) => prediction.index === index);
    return same ? Math.abs(same.probability - probability) : probability;
  });
  return {
    label: reduced.predictions[0]?.label ?? '',
    fullLabel: full.predictions[0]?.label ?? '',
    maxDifference: Math.max(...differences),
  };
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));
}

if (import.meta.main) {
  const results = await measureLargePhotos();
  for (const photo of results) {
    console.log(
      `${photo.name.padEnd(18)}${photo.megapixels} MP  ${photo.megabytes.toFixed(1)} MB file  ` +
        `${photo.growthMb.toFixed(0)} MB more memory  ${photo.decodeMs.toFixed(0)} ms  ` +
        `${photo.label} (full decode: ${photo.fullLabel}), ${photo.maxDifference.toFixed(4)} apart`,
    );
  }
  await reportFigures('edge bench:photos', { photos: results });
}
