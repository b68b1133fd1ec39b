import { readFile } from 'node:fs/promises';
import { createImageDecoder } from './decode.ts';
import type { DecoderProgram, DecoderPrograms } from './decoder-programs.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<DecoderProgram> };

/** @param url of a file, which is compiled once per thread */
function program(url: string): () => Promise<DecoderProgram> {
  let loading: Promise<DecoderProgram> | undefined;
  const load = async (): Promise<DecoderProgram> =>
    WebAssembly.compile(await readFile(new URL(url)));
  return () => {
    loading ??= load();
    return loading;
  };
}

/** The decoders' programs in Node. */
export const decoderPrograms: DecoderPrograms = {
  jpeg: program(import.meta.resolve('../../decoders/jpeg/jpeg.wasm')),
  webp: program(import.meta.resolve('../../decoders/webp/webp.wasm')),
  dav1d: program(import.meta.resolve('../../decoders/dav1d/dav1d.wasm')),
  rows: program(import.meta.resolve('../../decoders/rows/rows.wasm')),
  reduce: program(import.meta.resolve('./reduce/reduce.wasm')),
  lcms2: program(import.meta.resolve('../../decoders/lcms2/lcms2.wasm')),
};

/** The function of {@link createImageDecoder} in Node. */
export const decodeImage = createImageDecoder(decoderPrograms);
