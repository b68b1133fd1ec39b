import type { DecoderPrograms } from 'shared/images/decoder-programs';

/** The decoders' programs in the Worker: compiled at deployment, loaded at their first use. */
export const decoderPrograms: DecoderPrograms = {
  jpeg: async () => (await import('shared/decoders/jpeg/jpeg.wasm')).default,
  webp: async () => (await import('shared/decoders/webp/webp.wasm')).default,
  dav1d: async () => (await import('shared/decoders/dav1d/dav1d.wasm')).default,
  rows: async () => (await import('shared/decoders/rows/rows.wasm')).default,
  reduce: async () => (await import('shared/images/reduce/reduce.wasm')).default,
  lcms2: async () => (await import('shared/decoders/lcms2/lcms2.wasm')).default,
};
