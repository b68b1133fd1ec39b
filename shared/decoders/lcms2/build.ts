/** Compiles Little CMS, which converts colours, to lcms2.wasm: `pnpm --filter shared build:decoders`. */
import { fileURLToPath } from 'node:url';
import { type DecoderBuild, writeDecoder } from '../compile-decoder.ts';

/** The others are for text files and PostScript. */
const sources = [
  ...['cmsalpha', 'cmscam02', 'cmscnvrt', 'cmserr', 'cmsgamma', 'cmsgmt', 'cmshalf', 'cmsintrp'],
  ...['cmsio0', 'cmsio1', 'cmslut', 'cmsmd5', 'cmsmtrx', 'cmsnamed', 'cmsopt', 'cmspack', 'cmspcs'],
  ...['cmsplugin', 'cmssamp', 'cmssm', 'cmstypes', 'cmsvirt', 'cmswtpnt', 'cmsxform'],
];

export const lcms2Build: DecoderBuild = {
  source: {
    registry: 'crates.io',
    name: 'lcms2-sys',
    version: '4.0.7',
    sha256: '264db0b78119c5a37d78bb41fb355daab29b3b29430b53cd92e3da51f0ab06cc',
  },
  folder: 'vendor',
  units: sources.map((name) => [`src/${name}.c`] as const),
  ownSources: ['lcms2/lcms2.c'],
  flags: [
    ...['-Os', '-std=c11', '-DCMS_NO_PTHREADS', '-DCMS_NO_HALF_SUPPORT'],
    ...['-include', fileURLToPath(new URL('without-system.h', import.meta.url))],
  ],
  includes: ['include', 'src'],
  headers: async () => ({}),
  stackBytes: 512 * 1024,
  // What convert-to-srgb.ts takes into account: a larger profile is ignored.
  maxMemoryBytes: 16 * 1024 * 1024,
};

if (import.meta.main) await writeDecoder(lcms2Build, new URL('lcms2.wasm', import.meta.url));
