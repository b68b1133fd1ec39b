import { expect, test } from 'vitest';
import { readImage } from '../../test/read-image.ts';
import { decodeImage } from './decode-node.ts';
import type { Image } from './image.ts';

const defaultLimits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };

/** So large that no image here is reduced. */
const size = 224;

async function decoded(name: string): Promise<Image> {
  return (await decodeImage(await readImage(name), { size, limits: defaultLimits })).image;
}

async function codeOf(bytes: Uint8Array, limits = defaultLimits): Promise<unknown> {
  try {
    await decodeImage(bytes, { size, limits });
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'decoded';
}

/** The mean difference between the colours of two images, 0–255. */
function difference(a: Image, b: Image): number {
  let sum = 0;
  for (let pixel = 0; pixel < a.width * a.height; pixel++) {
    for (let c = 0; c < 3; c++) {
      const left = a.data[pixel * a.channels + c] as number;
      const right = b.data[pixel * b.channels + c] as number;
      sum += Math.abs(left - right);
    }
  }
  return sum / (a.width * a.height * 3);
}

const chelsea = { width: 451, height: 300 } as const;

// The tolerated mean difference from sharp's pixels of the same file.
test.each([
  ['chelsea.jpg', 'jpeg', 0],
  ['progressive.jpg', 'jpeg', 0],
  ['grey.jpg', 'jpeg', 0],
  ['chelsea.png', 'png', 0],
  ['interlaced.png', 'png', 0],
  ['16-bit.png', 'png', 0],
  ['palette.png', 'png', 0],
  ['4-bit.png', 'png', 0],
  ['2-bit.png', 'png', 0],
  ['grey.png', 'png', 0],
  ['grey-16-bit.png', 'png', 0],
  // Laying over white rounds differently.
  ['grey-alpha.png', 'png', 0.6],
  ['rgba-16-bit.png', 'png', 0.6],
  ['animated.png', 'png', 0],
  ['chelsea.webp', 'webp', 0],
  ['lossless.webp', 'webp', 0],
  ['veiled.webp', 'webp', 0.6],
  ['animated.webp', 'webp', 0],
  // Chroma is upsampled smoothly here, as in browsers.
  ['chelsea.gif', 'gif', 0],
  ['interlaced.gif', 'gif', 0],
  ['animated.gif', 'gif', 0],
  ['chelsea.avif', 'avif', 0],
  ['lossless.avif', 'avif', 0],
  ['grey.avif', 'avif', 0],
  // libheif repeats chroma.
  ['422.avif', 'avif', 0.4],
  ['420.avif', 'avif', 0.4],
  ['grid.avif', 'avif', 0.4],
  ['12-bit-420.avif', 'avif', 0.4],
  // Its film grain is applied.
  ['grain.avif', 'avif', 1.3],
  ['10-bit.avif', 'avif', 0.2],
  ['veiled.avif', 'avif', 0.6],
  ['veiled-grid.avif', 'avif', 0.6],
  // libheif computes these in integers.
  ['limited.avif', 'avif', 0.6],
  ['bt709.avif', 'avif', 0.6],
  ['bt2020-limited.avif', 'avif', 0.6],
  ['ycgco.avif', 'avif', 0.6],
])('decodes %s as sharp does', async (name, format, tolerance) => {
  const photo = await decodeImage(await readImage(name), { size, limits: defaultLimits });
  expect(photo).toMatchObject({ format, ...chelsea, image: chelsea });
  const expected: Image = { ...chelsea, channels: 3, data: await readImage(`${name}.rgb`) };
  expect(difference(photo.image, expected)).toBeLessThanOrEqual(tolerance);
});

test('crops an AVIF, then turns and mirrors it', async () => {
  const file = await readImage('cropped.avif');
  const { width, height, image } = await decodeImage(file, { size, limits: defaultLimits });
  expect([width, height]).toEqual([50, 101]);
  const whole = await decoded('chelsea.avif');
  const sample = ({ width, channels, data }: Image, x: number, y: number): number[] => [
    ...data.subarray((y * width + x) * channels, (y * width + x) * channels + 3),
  ];
  // After an anticlockwise quarter turn and a flip upside down, columns become rows.
  for (const [x, y] of [
    [0, 0],
    [100, 0],
    [0, 49],
    [77, 33],
  ] as const) {
    expect(sample(image, y, x)).toEqual(sample(whole, 175 - 20 + x, 125 + 10 + y));
  }
});

test('divides the colours of a premultiplied AVIF by alpha', async () => {
  // libvips does not, so the original is the reference.
  const [divided, plain] = [await decoded('premultiplied.avif'), await decoded('veiled.avif')];
  expect(difference(divided, plain)).toBeLessThan(3);
});

test('decodes the still image of a sequence', async () => {
  const image = await decoded('sequence.avif');
  expect(difference(image, await decoded('chelsea.png'))).toBeLessThan(5);
});

test('decodes CMYK, approximately without its colour profile', async () => {
  expect(difference(await decoded('cmyk.jpg'), await decoded('chelsea.png'))).toBeLessThan(20);
});

test.each(['alpha.png', 'alpha.webp', 'alpha.avif'])('lays %s over white', async (name) => {
  expect(coloursOf(await decoded(name))).toEqual([
    [255, 127, 127],
    [255, 255, 255],
  ]);
});

test.each([
  ['grey-key.png', [0, 255, 255]],
  // The second red differs from the transparent one only in its lower eight bits.
  ['red-key.png', [255, 0]],
])('treats the transparent colour of %s as white', async (name, greens) => {
  expect(coloursOf(await decoded(name)).map(([, green]) => green)).toEqual(greens);
});

function coloursOf({ width, height, channels, data }: Image): number[][] {
  return Array.from({ length: width * height }, (_, i) => [
    ...data.subarray(i * channels, i * channels + 3),
  ]);
}

test('does not overwrite a decoded image with the next one', async () => {
  const [first, second] = await Promise.all([readImage('chelsea.jpg'), readImage('grey.jpg')]);
  const { data } = (await decodeImage(first, { size, limits: defaultLimits })).image;
  const before = data.slice();
  await decodeImage(second, { size, limits: defaultLimits });
  expect(data).toEqual(before);
});

test('decodes images concurrently', async () => {
  const names = ['chelsea.png', 'grey.png', 'chelsea.png', 'interlaced.png'];
  const images = await Promise.all(names.map(decoded));
  for (const [i, name] of names.entries()) {
    expect(images[i]?.data).toEqual((await decoded(name)).data);
  }
});

test('refuses an image for which others leave no memory', async () => {
  const file = await readImage('chelsea.png');
  // Chelsea takes 1.4 MB, so there is memory for one.
  const limits = { ...defaultLimits, maxDecodeBytes: 2_000_000 };
  const results = await Promise.allSettled(
    [1, 2, 3].map(() => decodeImage(file, { size, limits })),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(results[1]).toMatchObject({ reason: { code: 'overloaded' } });
  expect(await codeOf(file, limits)).toBe('decoded');
});

test('decodes a GIF whose first image is smaller than its canvas', async () => {
  const canvas = await readImage('canvas.gif');
  const photo = await decodeImage(canvas, { size: 2100, limits: defaultLimits });
  expect(photo).toMatchObject({ width: 2100, height: 310 });
  const { data } = photo.image;
  const plain = await decoded('chelsea.gif');
  expect(data.subarray(0, 4)).toEqual(plain.data.subarray(0, 4));
  // The canvas to the right of it is white.
  expect([...data.subarray(451 * 4, 452 * 4)].slice(0, 3)).toEqual([255, 255, 255]);
});

test('decodes a single pixel', async () => {
  expect(await decoded('tiny.png')).toMatchObject({ width: 1, height: 1 });
});

const orientations = [1, 2, 3, 4, 5, 6, 7, 8];

test.each(
  ['jpg', 'png', 'webp', 'avif'].flatMap((extension) =>
    orientations.map((orientation) => [orientation, extension] as const),
  ),
)('turns orientation %i of a %s upright', async (orientation, extension) => {
  const file = await readImage(`orientation-${orientation}.${extension}`);
  const photo = await decodeImage(file, { size, limits: defaultLimits });
  const { width, height, channels, data } = photo.image;
  expect(photo).toMatchObject({ width: 64, height: 32 });
  const colour = (x: number, y: number): number[] =>
    [0, 1, 2].map((c) => Math.round((data[(y * width + x) * channels + c] as number) / 255));
  expect([width, height]).toEqual([64, 32]);
  expect([colour(16, 8), colour(48, 8), colour(16, 24), colour(48, 24)]).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 1],
  ]);
});

const heic = new TextEncoder().encode('\0\0\0\x18ftypheic\0\0\0\0mif1heic');

test.each([
  new Uint8Array(0),
  Uint8Array.of(0xff),
  new TextEncoder().encode('<svg/>'),
  new TextEncoder().encode('<!doctype html><p>Hello'),
  new TextEncoder().encode('%PDF-1.7'),
  heic,
])('does not support %j', async (bytes) => {
  expect(await codeOf(bytes)).toBe('unsupported_image');
});

test('does not support TIFF', async () => {
  expect(await codeOf(await readImage('image.tiff'))).toBe('unsupported_image');
});

const formats = [
  'chelsea.jpg',
  'progressive.jpg',
  'chelsea.png',
  'interlaced.png',
  'chelsea.webp',
  'lossless.webp',
  'chelsea.gif',
  'chelsea.avif',
  'veiled-grid.avif',
];

test.each(formats)('calls %s broken wherever it is cut off', async (name) => {
  const whole = await readImage(name);
  for (const part of [0.001, 0.1, 0.5, 0.9, 0.99]) {
    const bytes = whole.subarray(0, Math.max(12, Math.floor(whole.length * part)));
    expect([part, await codeOf(bytes)]).toEqual([part, 'broken_image']);
  }
  expect(await codeOf(whole)).toBe('decoded');
});

test.each([
  ['pixels', (bytes: Uint8Array) => bytes.length >> 1],
  ['header', () => 29],
])('calls a PNG with a wrong checksum of its %s broken', async (_, place) => {
  const bytes = await readImage('chelsea.png');
  bytes[place(bytes)] = (bytes[place(bytes)] as number) ^ 1;
  expect(await codeOf(bytes)).toBe('broken_image');
});

test('calls a JPEG with garbage in its scan broken', async () => {
  const bytes = await readImage('chelsea.jpg');
  for (let i = 0; i < 400; i++) bytes[(bytes.length >> 1) + i] = (i * 97) & 0xff;
  expect(await codeOf(bytes)).toBe('broken_image');
});

test('calls a JPEG with an absurd number of scans broken', async () => {
  const bytes = await readImage('progressive.jpg');
  const scan = Uint8Array.of(0xff, 0xda, 0, 2);
  const many = new Uint8Array(bytes.length + 100 * scan.length);
  many.set(bytes.subarray(0, -2));
  for (let i = 0; i < 100; i++) many.set(scan, bytes.length - 2 + i * scan.length);
  many.set(bytes.subarray(-2), many.length - 2);
  expect(await codeOf(many)).toBe('broken_image');
});

test('refuses huge dimensions from the header alone', async () => {
  const png = await readImage('tiny.png');
  const view = new DataView(png.buffer);
  view.setUint32(16, 65_535);
  view.setUint32(20, 65_535);
  expect(await codeOf(png.subarray(0, 33))).toBe('too_many_pixels');
});

test('refuses images that need too much memory', async () => {
  // Measured by its header: coefficients in a progressive JPEG, RGBA in a WebP and a GIF, YUV in an
  // AVIF.
  // A PNG is decoded row by row.
  const limits = { ...defaultLimits, maxDecodeBytes: 500_000 };
  for (const name of ['progressive.jpg', 'chelsea.webp', 'chelsea.gif', 'chelsea.avif']) {
    expect([name, await codeOf(await readImage(name), limits)]).toEqual([name, 'too_many_pixels']);
  }
});

test('calls an image of width 0 broken', async () => {
  const png = await readImage('tiny.png');
  new DataView(png.buffer).setUint32(16, 0);
  expect(await codeOf(png)).toBe('broken_image');
});
