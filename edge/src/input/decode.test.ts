import type { Image } from 'shared/images/image';
import { expect, inject, test } from 'vitest';
import { defaultLimits } from '../limits.ts';
import { decode } from './decode.ts';

const host = inject('imageHost');

async function read(name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`${host}/${name}`)).arrayBuffer());
}

function rgbOf({ width, height, channels, data }: Image): Uint8Array {
  return Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => data[Math.floor(i / 3) * channels + (i % 3)] as number,
  );
}

// Tests in Node cover every format; these check that each decoder gives the same in workerd.
test.each([
  'chelsea.jpg',
  'progressive.jpg',
  'interlaced.png',
  'chelsea.webp',
  'lossless.webp',
  'chelsea.gif',
  'chelsea.avif',
])('decodes %s in workerd as sharp does', async (name) => {
  const { image } = await decode(await read(name), defaultLimits, 224);
  expect(rgbOf(image)).toEqual(await read(`${name}.rgb`));
});

test('decodes images concurrently', async () => {
  const names = ['chelsea.png', 'grey.png', 'chelsea.png', 'chelsea.jpg'];
  const decoded = async (name: string): Promise<Uint8Array> =>
    rgbOf((await decode(await read(name), defaultLimits, 224)).image);
  const rows = await Promise.all(names.map(decoded));
  for (const [i, name] of names.entries()) expect(rows[i]).toEqual(await read(`${name}.rgb`));
});
