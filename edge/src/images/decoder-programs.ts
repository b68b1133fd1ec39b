import type { DecoderPrograms } from 'shared/images/decoder-programs';

/** The decoders' programs, in the Worker: compiled when it is deployed, loaded when they are used. */
export const decoderPrograms: DecoderPrograms = {
  jpeg: async () => (await import('shared/decoders/jpeg/jpeg.wasm')).default,
  webp: async () => (await import('shared/decoders/webp/webp.wasm')).default,
  gif: async () => (await import('@cwasm/nsgif/nsgif.wasm')).default,
  dav1d: async () => (await import('shared/decoders/dav1d/dav1d.wasm')).default,
};
