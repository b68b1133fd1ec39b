/** Compiles libwebp's decoder to webp.wasm: `pnpm --filter shared build:decoders`. */

import { maxMemoryBytes } from '../../src/images/served-limits.ts';
import { type DecoderBuild, writeDecoder } from '../compile-decoder.ts';

const sources = [
  ...['alpha', 'buffer', 'frame', 'idec', 'io', 'quant', 'tree', 'vp8', 'vp8l', 'webp'].map(
    (name) => `dec/${name}_dec.c`,
  ),
  ...['alpha_processing', 'dec', 'dec_clip_tables', 'filters', 'lossless', 'rescaler'].map(
    (name) => `dsp/${name}.c`,
  ),
  ...['upsampling.c', 'yuv.c'].map((name) => `dsp/${name}`),
  ...['bit_reader', 'color_cache', 'filters', 'huffman', 'quant_levels_dec', 'random'].map(
    (name) => `utils/${name}_utils.c`,
  ),
  ...['rescaler_utils.c', 'thread_utils.c', 'utils.c', 'palette.c'].map((name) => `utils/${name}`),
];

/** Of SIMD, which files for both instruction sets include each other's. */
const simdSources = [
  ...['alpha_processing', 'dec', 'filters', 'lossless', 'rescaler', 'upsampling', 'yuv'].map(
    (name) => `dsp/${name}_sse2.c`,
  ),
  ...['alpha_processing', 'dec', 'lossless', 'upsampling', 'yuv'].map(
    (name) => `dsp/${name}_sse41.c`,
  ),
];

export const webpBuild: DecoderBuild = {
  source: {
    registry: 'crates.io',
    name: 'libwebp-sys',
    version: '0.14.4',
    sha256: '6b3a87b44e34d17161e4f17d92a463d596cb13825dcd1758ed18fd3a721e189c',
  },
  folder: 'vendor',
  units: [...sources, ...simdSources].map((path) => [`src/${path}`] as const),
  ownSources: ['arena.c', 'webp/webp.c'],
  flags: ['-Os', '-std=gnu11', '-DWEBP_USE_SSE2', '-DWEBP_USE_SSE41'],
  includes: ['', 'src'],
  headers: async () => ({
    'emmintrin.h': '#include <simde/x86/sse2.h>\n',
    'smmintrin.h': '#include <simde/x86/sse4.1.h>\n',
  }),
  usesSimde: true,
  stackBytes: 65_536,
  maxMemoryBytes,
};

if (import.meta.main) await writeDecoder(webpBuild, new URL('webp.wasm', import.meta.url));
