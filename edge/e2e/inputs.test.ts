import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { makeGridAvif } from 'shared/test/avif-grid';
import { makeImages } from 'shared/test/make-images';
import sharp, { type Sharp } from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { decodingThreads } from 'trainer/datasets/decoding/decoding-threads';
import { predict } from 'trainer/evaluation/predict';
import { exportPretrained } from 'trainer/export/export-pretrained';
import { loadModel } from 'trainer/models/load-model';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeFolder, serve, startWorker } from './serve.ts';

// For each file, the network's input is the same in training and in serving, bit for bit.

// Making large files takes longer than reading them.
vi.setConfig({ testTimeout: 600_000 });

let folder: string;
let worker: Awaited<ReturnType<typeof startWorker>>;

beforeAll(async () => {
  folder = await makeFolder();
  worker = await startWorker(folder, 'e2e/input-worker.ts');
});

afterAll(async () => {
  await worker?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The network's input, or the message with which the file is refused. */
type Seen = Float32Array | string;

async function inWorker(file: Uint8Array, spec: PreprocessSpec): Promise<Seen> {
  const response = await worker.fetch('/', {
    method: 'POST',
    headers: { 'x-spec': JSON.stringify(spec) },
    body: file,
  });
  return response.ok ? new Float32Array(await response.arrayBuffer()) : response.text();
}

async function inTraining(file: Uint8Array, spec: PreprocessSpec): Promise<Seen> {
  try {
    const { image, unserved } = await decodingThreads.decode(file, spec.size);
    return unserved ?? preprocess(image, spec);
  } catch (error) {
    return (error as Error).message;
  }
}

const specOf = (size: number): PreprocessSpec => ({
  fit: 'cover',
  size,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [
    { operation: 'subtract', by: [127, 127, 127] },
    { operation: 'divide', by: [128, 128, 128] },
  ],
});

/** Compares the input in training and in serving. @returns it */
async function expectSame(file: Uint8Array, size: number, name: string): Promise<Seen> {
  const spec = specOf(size);
  const [served, trained] = [await inWorker(file, spec), await inTraining(file, spec)];
  if (typeof served === 'string' || typeof trained === 'string') {
    expect(trained, name).toBe(served);
  } else expect(Buffer.compare(bytesOf(trained), bytesOf(served)), `${name} at ${size}`).toBe(0);
  return served;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

test('every kind of file, with and without reduction', async () => {
  const refused: string[] = [];
  for (const [name, file] of await makeImages()) {
    if (name.endsWith('.rgb')) continue;
    for (const size of [40, 224]) {
      if (typeof (await expectSame(file, size, name)) === 'string') refused.push(name);
    }
  }
  expect(refused).toEqual(['image.tiff', 'image.tiff']);
});

const large = { 12: [4032, 3024], 48: [8064, 6048] } as const;

const coffee = fileURLToPath(new URL('../../shared/fixtures/coffee.png', import.meta.url));

/** An image with grain, so that two different reductions of it never agree. */
async function makeGrainy(megapixels: keyof typeof large): Promise<Sharp> {
  const [width, height] = large[megapixels];
  const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
  const create = { width: width >> 2, height: height >> 2, channels: 3, noise } as const;
  const grain = await sharp({ create: { ...create, background: '#000' } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return sharp(coffee)
    .removeAlpha()
    .resize(width, height, { fit: 'cover' })
    .composite([{ input: grain, tile: true, blend: 'soft-light' }]);
}

/** An image in the middle of a large plain area, which makes a small file. */
function makeFramed(megapixels: keyof typeof large): Sharp {
  const [width, height] = large[megapixels];
  const [x, y] = [(width - 1500) / 2, (height - 1000) / 2];
  return sharp(coffee)
    .removeAlpha()
    .resize(1500, 1000)
    .extend({ left: x, right: x, top: y, bottom: y, background: '#876' });
}

type Encode = (image: Sharp) => Promise<Buffer>;

const kinds: Readonly<Record<string, Encode>> = {
  'a baseline JPEG': (image) => image.jpeg({ quality: 85 }).toBuffer(),
  'a progressive JPEG': (image) => image.jpeg({ quality: 60, progressive: true }).toBuffer(),
  'a turned JPEG': (image) => image.withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  'a PNG': (image) => image.png({ adaptiveFiltering: true, compressionLevel: 2 }).toBuffer(),
  'a lossy WebP': (image) => image.webp({ effort: 0 }).toBuffer(),
  'an AVIF': (image) => image.avif({ effort: 0, chromaSubsampling: '4:2:0' }).toBuffer(),
  'a GIF': (image) => image.gif({ effort: 1, dither: 0 }).toBuffer(),
};

test.each(Object.keys(kinds))('%s of 12 megapixels', async (name) => {
  // With grain, these formats would make files that are too large for the Worker.
  const image = /PNG|GIF/.test(name) ? makeFramed(12) : await makeGrainy(12);
  const file = await (kinds[name] as Encode)(image);
  expect(typeof (await expectSame(file, 224, name))).toBe('object');
});

test.each(['a turned JPEG', 'a PNG', 'a lossy WebP', 'an AVIF in a grid', 'a GIF'])(
  '%s of 48 megapixels',
  async (name) => {
    const encode = kinds[name] ?? ((image) => makeGridAvif(image, 2048));
    const file = await encode(makeFramed(48));
    expect(typeof (await expectSame(file, 224, name))).toBe('object');
  },
);

test('training accepts files that only the limits of the Worker refuse', async () => {
  const create = { width: 16_128, height: 6048, channels: 3, background: '#359' } as const;
  const file = await sharp({ create }).jpeg().toBuffer();
  expect(await expectSame(file, 224, 'JPEG')).toMatch(/16128 × 6048 pixels/);
  const { image } = await decodingThreads.decode(file, 224);
  expect([image.width, image.height]).toEqual([2016, 756]);
});

test('the probabilities are the same, too', async () => {
  const ours = await makeFolder();
  const models = join(ours, 'public/models');
  await startBackend('wasm', () => {});
  await exportPretrained('efficientnet-lite0', 'imagenet', join(models, 'int8'));
  const names = ['a progressive JPEG', 'a PNG', 'a lossy WebP', 'an AVIF', 'a GIF'];
  const image = await sharp(coffee).removeAlpha().resize(1500, 1100).png().toBuffer();
  const files = await Promise.all(names.map((name) => (kinds[name] as Encode)(sharp(image))));
  const served = await serve(ours, files);
  try {
    const classifier = await loadModel(join(models, 'int8'));
    for (const [at, file] of files.entries()) {
      await writeFile(join(folder, `${at}`), file);
      const { predictions: trained } = await predict(classifier, join(folder, `${at}`), 1000);
      const { predictions } = await served.classify(at, { model: 'int8', top: '100' });
      expect(predictions).toHaveLength(100);
      for (const { index, probability } of predictions) {
        const own = trained.find((one) => one.index === index)?.probability as number;
        expect(Math.abs(own - probability), names[at] as string).toBeLessThan(1e-4);
      }
    }
    classifier.dispose();
  } finally {
    await served.close();
  }
});
