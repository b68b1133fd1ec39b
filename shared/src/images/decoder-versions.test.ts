import { expect, test } from 'vitest';
import { dav1dVersion } from './avif/dav1d.ts';
import { decoderPrograms } from './decode-node.ts';
import { jpegTurboVersion } from './jpeg/jpeg.ts';
import { maxMemoryBytes } from './served-limits.ts';
import { startDecoder } from './wasm-decoder.ts';
import { libwebpVersion } from './webp/webp.ts';

test.each([
  [
    'libjpeg-turbo',
    '3.1.0',
    async () => spell(jpegTurboVersion(await decoderPrograms.jpeg()), 1000),
  ],
  ['libwebp', '1.6.0', async () => spell(libwebpVersion(await decoderPrograms.webp()), 256)],
  ['dav1d', '1.5.1', async () => spell(dav1dVersion(await decoderPrograms.dav1d()), 256)],
])('%s has the version %s', async (_, expected, read) => {
  expect(await read()).toBe(expected);
});

test.each([
  ['jpeg', maxMemoryBytes],
  ['webp', maxMemoryBytes],
  ['dav1d', maxMemoryBytes],
  ['rows', 16 * 1024 * 1024],
  ['lcms2', 16 * 1024 * 1024],
] as const)('%s has a memory maximum', async (name, maxBytes) => {
  const { memory } = startDecoder<{ readonly memory: Memory }>(await decoderPrograms[name](), {
    host: { fail: () => 0 },
    env: { read: () => 0 },
  });
  const pageBytes = 65_536;
  memory.grow((maxBytes - memory.buffer.byteLength) / pageBytes);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

function spell(version: number, base: number): string {
  const patch = version % base;
  const minor = Math.floor(version / base) % base;
  return `${Math.floor(version / base / base)}.${minor}.${patch}`;
}
