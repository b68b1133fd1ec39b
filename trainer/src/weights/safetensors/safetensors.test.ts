import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

let directory: string;
let path: string;
beforeAll(async () => {
  directory = await temporaryFolder();
  path = join(directory, 'weights.safetensors');
});

/** A file with any header, right or wrong. */
function fileOf(header: string, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), body]);
}

async function read(file: Uint8Array) {
  await writeFile(path, file);
  return readSafetensors(path);
}

test('reads back what it wrote', async () => {
  const shared = Float32Array.of(9, 1.5, -0, Number.NaN, Number.POSITIVE_INFINITY);
  const written = {
    metadata: { origin: 'a test, «quoted»' },
    tensors: new Map([
      ['a/kernel', { shape: [2, 2], values: shared.subarray(1) }],
      ['a/bias', { shape: [], values: Float32Array.of(1e-45) }],
      ['empty', { shape: [0, 3], values: new Float32Array() }],
    ]),
  };
  await writeSafetensors(path, written);
  expect(await readSafetensors(path)).toEqual(written);
});

test('starts the numbers at a multiple of eight, as other readers may expect', async () => {
  await writeSafetensors(path, {
    metadata: {},
    tensors: new Map([['a', { shape: [1], values: Float32Array.of(1) }]]),
  });
  const file = await readFile(path);
  expect((8 + Number(file.readBigUInt64LE())) % 8).toBe(0);
  expect(file.at(8)).toBe('{'.charCodeAt(0));
});

test('widens float16 exactly, and minds no alignment', async () => {
  const halves = [0x3c00, 0x3555, 0x0001, 0x7bff, 0x8000, 0xc001, 0x7c00];
  const body = Buffer.alloc(1 + halves.length * 2 + 4);
  for (const [index, half] of halves.entries()) body.writeUInt16LE(half, 1 + index * 2);
  body.writeFloatLE(0.1, 15);
  const header = JSON.stringify({
    single: { dtype: 'F32', shape: [1], data_offsets: [15, 19] },
    half: { dtype: 'F16', shape: [7], data_offsets: [1, 15] },
  });
  const { tensors, metadata } = await read(fileOf(header.padEnd(151), body));
  expect([...(tensors.get('half')?.values ?? [])]).toEqual([
    1,
    1365 / 4096,
    2 ** -24,
    65504,
    -0,
    -(2 + 2 ** -9),
    Number.POSITIVE_INFINITY,
  ]);
  expect([...(tensors.get('single')?.values ?? [])]).toEqual([Math.fround(0.1)]);
  expect(metadata).toEqual({});
});

const tensor = (change: object) =>
  JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change } });
const eight = Buffer.alloc(8);

test.each<[string, Uint8Array]>([
  ['an empty file', Buffer.alloc(0)],
  ['a file shorter than a header length', Buffer.alloc(7)],
  ['a header longer than the file', fileOf(tensor({}), eight).subarray(0, 40)],
  ['an impossible header length', Buffer.alloc(32, 0xff)],
  ['a header of length 0', Buffer.alloc(16)],
  ['a header that is no JSON', fileOf('{"a": ', eight)],
  ['a header that is no object', fileOf('[]', eight)],
  ['a dtype that the network has no use for', fileOf(tensor({ dtype: 'I64' }), eight)],
  ['a negative length', fileOf(tensor({ shape: [-2] }), eight)],
  ['offsets that do not fit the shape', fileOf(tensor({ data_offsets: [0, 4] }), eight)],
  ['offsets in the wrong order', fileOf(tensor({ data_offsets: [8, 0] }), eight)],
  [
    'tensors that overlap',
    fileOf(
      JSON.stringify({
        a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
        b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      }),
      eight,
    ),
  ],
  ['numbers cut short', fileOf(tensor({}), Buffer.alloc(7))],
  ['an image', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
])('refuses %s, naming the path', async (_, file) => {
  await expect(read(file)).rejects.toMatchObject({
    name: 'TrainerError',
    code: 'weights_invalid',
    message: expect.stringMatching(/^Expected a safetensors file at .*weights\.safetensors, but /),
  });
});

test('names the path of a file that is not there', async () => {
  const missing = join(directory, 'missing.safetensors');
  await expect(readSafetensors(missing)).rejects.toMatchObject({
    code: 'weights_invalid',
    message: expect.stringContaining(missing),
    cause: expect.objectContaining({ code: 'ENOENT' }),
  });
});
