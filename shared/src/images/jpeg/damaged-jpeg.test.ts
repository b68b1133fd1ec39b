import { expect, test } from 'vitest';
import { readImage } from '../../../test/read-image.ts';
import { decodeImage } from '../decode-node.ts';

const limits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };

async function pixelsOf(file: Uint8Array): Promise<Uint8Array> {
  const { image } = await decodeImage(file, { size: 224, limits });
  return new Uint8Array(image.data);
}

async function codeOf(file: Uint8Array): Promise<unknown> {
  try {
    await pixelsOf(file);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'decoded';
}

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

/** The offset of the first segment of a kind. */
function segment(file: Uint8Array, marker: number): number {
  let at = 2;
  while (file[at + 1] !== marker) at += 2 + Buffer.from(file).readUInt16BE(at + 2);
  return at;
}

function insert(file: Uint8Array, at: number, more: Uint8Array): Buffer {
  return Buffer.concat([file.subarray(0, at), more, file.subarray(at)]);
}

const sos = 0xda;
const zeros = Buffer.alloc(1000);

/** Damage that browsers and Pillow ignore. */
const harmless: Readonly<Record<string, (file: Uint8Array) => Uint8Array>> = {
  'other bytes before a marker': (file) => insert(file, segment(file, sos), bytes(1, 2, 0, 3)),
  'a marker of no meaning': (file) => insert(file, 2, bytes(255, 0)),
  'fill bytes': (file) => insert(file, segment(file, sos), bytes(255, 255, 255)),
  'other bytes before the end': (file) => insert(file, file.length - 2, bytes(0, 1, 2)),
  'no spectral range in its scan': (file) => {
    const copy = Buffer.from(file);
    const at = segment(file, sos);
    // Samsung's cameras write 0–0 instead of 0–63.
    copy[at + 2 + copy.readUInt16BE(at + 2) - 2] = 0;
    return copy;
  },
  'a comment of scan markers': (file) =>
    insert(file, 2, Buffer.concat([bytes(255, 0xfe, 1, 146), Buffer.alloc(400, bytes(255, sos))])),
  'a film after its end': (file) => Buffer.concat([file, Buffer.alloc(9_000_000, 'film')]),
  'half of another image after its end': (file) => Buffer.concat([file, file.subarray(0, 9000)]),
  'zeros after its end': (file) => Buffer.concat([file, zeros]),
  'another scan after its last': (file) =>
    insert(file, file.length - 2, bytes(255, sos, 0, 8, 1, 1, 0, 0, 63, 0)),
};

test.each(Object.entries(harmless))('decodes a JPEG with %s', async (_, change) => {
  const file = await readImage('chelsea.jpg');
  expect(await pixelsOf(change(file))).toEqual(await pixelsOf(file));
});

test('decodes a progressive JPEG with junk between its scans', async () => {
  const file = await readImage('progressive.jpg');
  // A scan of one component, after those of all.
  const scan = Buffer.from(file).lastIndexOf(bytes(255, sos, 0, 8));
  expect(scan).toBeGreaterThan(0);
  const junk = insert(file, scan, bytes(9, 8, 7));
  expect(await pixelsOf(junk)).toEqual(await pixelsOf(file));
});

test.each(['chelsea.jpg', 'progressive.jpg'])('refuses a part of %s', async (name) => {
  const file = await readImage(name);
  const end = bytes(255, 0xd9);
  for (const part of [0.3, 0.5, 0.8]) {
    const cut = file.subarray(0, file.length * part);
    expect([part, await codeOf(Buffer.concat([cut, end]))]).toEqual([part, 'broken_image']);
    expect([part, await codeOf(cut)]).toEqual([part, 'broken_image']);
  }
  // As Pillow does.
  expect(await codeOf(file.subarray(0, -2))).toBe('broken_image');
});

test('decodes the next JPEG after one that fails', async () => {
  const file = await readImage('chelsea.jpg');
  const before = await pixelsOf(file);
  expect(await codeOf(file.subarray(0, file.length / 2))).toBe('broken_image');
  expect(await pixelsOf(file)).toEqual(before);
});
