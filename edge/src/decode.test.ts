import type { Picture } from 'shared/preprocess';
import { expect, inject, test } from 'vitest';
import { decode } from './decode.ts';
import { defaultLimits } from './limits.ts';

const host = inject('photoHost');

async function read(name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`${host}/${name}`)).arrayBuffer());
}

async function decoded(name: string): Promise<Picture> {
  return decode(await read(name), defaultLimits).picture;
}

function codeOf(bytes: Uint8Array): unknown {
  try {
    decode(bytes, defaultLimits);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'decoded';
}

/** Mean difference of two pictures' colours, 0–255. */
function difference(a: Picture, b: Picture): number {
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

// Mean difference from the original, 0–255: as sharp's own decoding of these files has it, which
// is 0 for the lossless ones, and a little room. CMYK without its colour profile is coarse.
test.each([
  ['chelsea.jpg', 'jpeg', 2.2],
  ['progressive.jpg', 'jpeg', 2.2],
  ['cmyk.jpg', 'jpeg', 20],
  ['chelsea.png', 'png', 0],
  ['interlaced.png', 'png', 0],
  ['16-bit.png', 'png', 0],
  ['palette.png', 'png', 2.2],
  ['chelsea.webp', 'webp', 2.2],
  ['lossless.webp', 'webp', 0],
])('decodes %s', async (name, format, tolerance) => {
  const photo = decode(await read(name), defaultLimits);
  expect(photo).toMatchObject({ format, picture: { width: 451, height: 300 } });
  expect(difference(photo.picture, await decoded('chelsea.png'))).toBeLessThanOrEqual(tolerance);
});

test.each(['chelsea.jpg', 'progressive.jpg', 'chelsea.webp'])(
  'decodes %s as sharp does, sample by sample',
  async (name) => {
    const data = await read(`${name}.rgb`);
    const expected: Picture = { width: 451, height: 300, channels: 3, data };
    expect(difference(await decoded(name), expected)).toBe(0);
  },
);

test.each(['grey.jpg', 'grey.png'])('decodes %s to equal red, green and blue', async (name) => {
  const { width, height, channels, data } = await decoded(name);
  expect([width, height]).toEqual([451, 300]);
  for (let at = 0; at < data.length; at += channels) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) expect.fail(`colour at ${at}`);
  }
  expect(new Set(data).size).toBeGreaterThan(100);
});

test.each(['alpha.png', 'alpha.webp'])('lays %s over white', async (name) => {
  const { data } = await decoded(name);
  expect([...data]).toEqual([255, 127, 127, 255, 255, 255, 255, 255]);
});

test('leaves a decoded picture alone when the next one comes', async () => {
  const [first, second] = await Promise.all([read('chelsea.jpg'), read('grey.jpg')]);
  const { data } = decode(first, defaultLimits).picture;
  const before = data.slice();
  decode(second, defaultLimits);
  expect(data).toEqual(before);
});

test('decodes a single pixel', async () => {
  expect(await decoded('tiny.png')).toMatchObject({ width: 1, height: 1 });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('turns orientation %i upright', async (orientation) => {
  const { width, height, channels, data } = await decoded(`orientation-${orientation}.jpg`);
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

test.each(['picture.gif', 'picture.tiff', 'picture.avif', 'html-as-png'])(
  'does not support %s',
  async (name) => {
    expect(codeOf(await read(name))).toBe('unsupported_picture');
  },
);

test.each([new Uint8Array(0), Uint8Array.of(0xff), new TextEncoder().encode('<svg/>')])(
  'does not support %j',
  (bytes) => {
    expect(codeOf(bytes)).toBe('unsupported_picture');
  },
);

const formats = ['chelsea.jpg', 'progressive.jpg', 'chelsea.png', 'chelsea.webp', 'lossless.webp'];

test.each(formats)('calls %s broken wherever it is cut off', async (name) => {
  const whole = await read(name);
  for (const part of [0.001, 0.1, 0.5, 0.9, 0.99]) {
    const bytes = whole.subarray(0, Math.max(12, Math.floor(whole.length * part)));
    expect([part, codeOf(bytes)]).toEqual([part, 'broken_picture']);
  }
  expect(codeOf(whole)).toBe('decoded');
});

test('calls a PNG with a wrong checksum broken', async () => {
  const bytes = await read('chelsea.png');
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  expect(codeOf(bytes)).toBe('broken_picture');
});

test('calls a JPEG with garbage in its scan broken', async () => {
  const bytes = await read('chelsea.jpg');
  for (let i = 0; i < 400; i++) bytes[(bytes.length >> 1) + i] = (i * 97) & 0xff;
  expect(codeOf(bytes)).toBe('broken_picture');
});

test('refuses giant dimensions by the header alone', async () => {
  const png = await read('tiny.png');
  const view = new DataView(png.buffer);
  view.setUint32(16, 65_535);
  view.setUint32(20, 65_535);
  expect(codeOf(png.subarray(0, 33))).toBe('too_many_pixels');
});

test('calls a picture without width broken', async () => {
  const png = await read('tiny.png');
  new DataView(png.buffer).setUint32(16, 0);
  expect(codeOf(png)).toBe('broken_picture');
});

// Seeded mutations: a decoder may fail, or make something of it, but nothing else may happen.
test.each(formats)('survives a mutated %s', async (name) => {
  const whole = await read(name);
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 40; round++) {
    const bytes = whole.slice();
    // Half of the rounds aim at the headers.
    const reach = round % 2 ? bytes.length : Math.min(bytes.length, 700);
    for (let i = 0; i < 8; i++) bytes[random(reach)] = random(256);
    expect(['decoded', 'broken_picture', 'unsupported_picture', 'too_many_pixels']).toContain(
      codeOf(bytes),
    );
  }
  expect(codeOf(whole)).toBe('decoded');
});
