/** Compiles libjpeg-turbo, without its encoder, to jpeg.wasm: `pnpm --filter shared build:decoders`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maxMemoryBytes } from '../../src/images/served-limits.ts';
import { type DecoderBuild, writeDecoder } from '../compile-decoder.ts';

const sources = [
  ...['jaricom', 'jcomapi', 'jdapimin', 'jdapistd', 'jdarith', 'jdcoefct', 'jdcolor'],
  ...['jdinput', 'jdmainct', 'jdmarker', 'jdmaster', 'jdpostct', 'jdsample', 'jidctint'],
  ...['jidctred', 'jmemmgr', 'jutils'],
];

/**
 * Blocks become 8, 4, 2 or 1 pixel wide, by the accurate integer transform: the others, a quarter of the
 * program, are never called and left out.
 */
const unusedTransforms = [
  ...['float', 'ifast', '3x3', '5x5', '6x6', '7x7', '9x9', '10x10', '11x11', '12x12', '13x13'],
  ...['14x14', '15x15', '16x16'],
].map((name) => `-Djpeg_idct_${name}=jpeg_idct_islow`);

/**
 * As for x86's x32: addresses of 32 bits, and a bit buffer of 64. Not inlined into one large function, V8
 * optimizes them in a fraction of the time, a fifth of what the first JPEG takes, and later ones are as fast.
 */
const huffman = ['jdhuff', 'jdphuff'].map(
  (name) => [`src/${name}.c`, '-D__x86_64__', '-D__ILP32__', '-fno-inline'] as const,
);

export const jpegBuild: DecoderBuild = {
  source: {
    registry: 'crates.io',
    name: 'turbojpeg-sys',
    version: '1.2.0',
    sha256: '49b5a974bc59382d35927e3a07eef2ba9a24fe7227cefe52ec44b508e1b90f86',
  },
  folder: 'libjpeg-turbo',
  units: [
    ...sources.map((name) => [`src/${name}.c`] as const),
    ['src/jddctmgr.c', ...unusedTransforms],
    ...huffman,
    ...['jdsample', 'jidctred'].map((name) => [`simd/arm/${name}-neon.c`] as const),
  ],
  ownSources: ['arena.c', 'jpeg/jpeg.c', 'jpeg/simd.c', 'jpeg/idct.c'],
  flags: ['-O3', '-std=gnu11', '-DNO_GETENV'],
  includes: ['src', 'simd/arm'],
  headers: writeHeaders,
  usesSimde: true,
  stackBytes: 65_536,
  maxMemoryBytes,
};

/** What libjpeg-turbo's own build would find out. */
async function writeHeaders(library: string): Promise<Record<string, string>> {
  const cmake = await readFile(join(library, 'CMakeLists.txt'), 'utf8');
  const version = /set\(VERSION (\d+\.\d+\.\d+)\)/.exec(cmake)?.[1] ?? '';
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const values: Readonly<Record<string, string>> = {
    JPEG_LIB_VERSION: '62',
    VERSION: version,
    LIBJPEG_TURBO_VERSION_NUMBER: `${major * 1_000_000 + minor * 1000 + patch}`,
    CMAKE_PROJECT_NAME: 'libjpeg-turbo',
    INLINE: 'inline',
    SIZE_T: '4',
  };
  const isDefined = /^(WITH_SIMD|D_ARITH_CODING_SUPPORTED|HAVE_VLD1\w*)\b/;
  const fill = async (path: string): Promise<string> => {
    const template = await readFile(join(library, path), 'utf8');
    return template
      .replace(/@(\w+)@/g, (_, name: string) => values[name] ?? '')
      .replace(/#cmakedefine (.*)/g, (_, rest: string) =>
        isDefined.test(rest) ? `#define ${rest}` : '',
      );
  };
  return {
    'jconfig.h': await fill('src/jconfig.h.in'),
    'jconfigint.h': await fill('src/jconfigint.h.in'),
    'jversion.h': await fill('src/jversion.h.in'),
    'neon-compat.h': await fill('simd/arm/neon-compat.h.in'),
    // In place of the compiler's.
    'arm_neon.h': '#include <simde/arm/neon.h>\n',
  };
}

if (import.meta.main) await writeDecoder(jpegBuild, new URL('jpeg.wasm', import.meta.url));
