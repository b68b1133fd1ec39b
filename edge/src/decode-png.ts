import lodepng from '@cwasm/lodepng/lodepng.wasm';
import type { Picture } from 'shared/preprocess';
import { flattenOverWhite } from './flatten.ts';
import { type DecoderMemory, place } from './wasm-decoder.ts';

interface Lodepng extends DecoderMemory {
  _initialize(): void;
  lodepng_decode32(
    pixelsOut: number,
    widthOut: number,
    heightOut: number,
    file: number,
    fileLength: number,
  ): number;
}

/**
 * Decodes with lodepng: every colour type, depth and interlacing, checksums verified. Each picture
 * has an instance to itself, whose memory goes with it.
 *
 * @returns RGBA laid over white; its samples are a view of the decoder's memory
 * @throws Error for a file that lodepng refuses
 */
export function decodePng(file: Uint8Array): Picture {
  const decoder = new WebAssembly.Instance(lodepng).exports as unknown as Lodepng;
  decoder._initialize();
  const fileAt = place(decoder, file);
  const out = decoder.malloc(12);
  const error = decoder.lodepng_decode32(out, out + 4, out + 8, fileAt, file.length);
  if (error !== 0) throw new Error(`lodepng returned error ${error}.`);
  const [pixelsAt, width, height] = new Uint32Array(decoder.memory.buffer, out, 3) as unknown as [
    number,
    number,
    number,
  ];
  const data = new Uint8Array(decoder.memory.buffer, pixelsAt, width * height * 4);
  flattenOverWhite(data);
  return { width, height, channels: 4, data };
}
