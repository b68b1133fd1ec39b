import { env } from 'cloudflare:workers';
import { classifyResponse, problem } from 'shared/contract/responses';
import type { Image } from 'shared/images/image';
import { expect, inject, test } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';
import { defaultLimits } from '../limits.ts';
import { decode } from './decode.ts';

const host = inject('imageHost');
const { TEST_IMAGES: IMAGES } = env;
const size = 224;

async function read(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(`${host}/${name}`)).arrayBuffer());
}

function meanColour({ width, height, channels, data }: Image): number[] {
  const sums = [0, 0, 0];
  for (let at = 0; at < data.length; at += channels) {
    for (let c = 0; c < 3; c++) sums[c] = (sums[c] as number) + (data[at + c] as number);
  }
  return sums.map((sum) => sum / (width * height));
}

test('reduces an image that is too large to decode, and keeps it upright', async () => {
  const file = await read('large-turned.jpg');
  const limits = { ...defaultLimits, maxPixels: 1_000_000 };
  await expect(decode(file, limits, size)).rejects.toMatchObject({ code: 'too_many_pixels' });
  const shrunk = await decode(file, limits, size, IMAGES);
  expect(shrunk).toMatchObject({ format: 'jpeg', width: 1200, height: 1800 });
  expect(shrunk.image).toMatchObject({ width: 600, height: 900 });
  const whole = await decode(file, defaultLimits, size);
  const colours = meanColour(shrunk.image);
  for (const [channel, mean] of meanColour(whole.image).entries()) {
    expect(Math.abs((colours[channel] as number) - mean)).toBeLessThanOrEqual(1);
  }
});

test('classifies HEIC only where Images is bound', async () => {
  const app = createApp();
  const body = await read('chelsea.avif');
  // Formats that the local simulation of Images decodes, with the brands of HEIC files.
  for (const at of [8, 20]) body.set(new TextEncoder().encode('heic'), at);
  const question = { method: 'POST', body };
  const without = await ask(app, '/classify?model=imagenet', question);
  expect(without.status).toBe(415);
  expect(problem.parse(await without.json()).detail).toContain('HEIC');
  const bound = await ask(app, '/classify?model=imagenet', question, { IMAGES });
  expect(bound.status).toBe(200);
  const { image, predictions } = classifyResponse.parse(await bound.json());
  expect(image).toMatchObject({ format: 'heic', width: 451, height: 300 });
  expect(predictions.map(({ label }) => label)).toContain('Egyptian_cat');
});

test('reports its own error where Images fails', async () => {
  const file = new TextEncoder().encode('\0\0\0\x18ftypheic\0\0\0\0mif1heic');
  const decoding = decode(file, defaultLimits, size, IMAGES);
  await expect(decoding).rejects.toMatchObject({ code: 'unsupported_image' });
});

test('does not use Images where it is not needed or cannot help', async () => {
  const unasked: ImagesBinding = new Proxy(IMAGES, {
    get: () => expect.fail('Images was used.'),
  });
  await decode(await read('chelsea.jpg'), defaultLimits, size, unasked);
  const tiff = await read('image.tiff');
  const decoding = decode(tiff, defaultLimits, size, unasked);
  await expect(decoding).rejects.toMatchObject({ code: 'unsupported_image' });
});
