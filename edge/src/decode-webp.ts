import libwebp from '@cwasm/webp/webp.wasm';
import type { Picture } from 'shared/preprocess';
import { flattenOverWhite } from './flatten.ts';
import { type DecoderMemory, place, wasiStubs } from './wasm-decoder.ts';

interface Libwebp extends DecoderMemory {
  WebPDecodeRGBA(file: number, fileLength: number, widthOut: number, heightOut: number): number;
}

/**
 * Decodes with libwebp: still pictures, lossy and lossless. Each picture has an instance to itself,
 * whose memory goes with it.
 *
 * @returns RGBA laid over white; its samples are a view of the decoder's memory
 * @throws Error for a file that libwebp refuses
 */
export function decodeWebp(file: Uint8Array): Picture {
  const imports = { wasi_snapshot_preview1: wasiStubs };
  const decoder = new WebAssembly.Instance(libwebp, imports).exports as unknown as Libwebp;
  const fileAt = place(decoder, file);
  const out = decoder.malloc(8);
  const pixelsAt = decoder.WebPDecodeRGBA(fileAt, file.length, out, out + 4);
  if (pixelsAt === 0) throw new Error('libwebp refused the file.');
  const [width, height] = new Uint32Array(decoder.memory.buffer, out, 2) as unknown as [
    number,
    number,
  ];
  const data = new Uint8Array(decoder.memory.buffer, pixelsAt, width * height * 4);
  flattenOverWhite(data);
  return { width, height, channels: 4, data };
}
