/** Compiles dav1d, the AV1 decoder, to dav1d.wasm: `pnpm --filter shared build:decoders`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maxMemoryBytes } from '../../src/images/served-limits.ts';
import { type DecoderBuild, writeDecoder } from '../compile-decoder.ts';

/** In `src/`. The others are for programs, other processors, or to be included. */
const sources = [
  ...['cdf', 'cpu', 'ctx', 'data', 'decode', 'dequant_tables', 'getbits', 'intra_edge'],
  ...[
    'itx_1d',
    'lf_mask',
    'lib',
    'log',
    'mem',
    'msac',
    'obu',
    'pal',
    'picture',
    'qm',
    'ref',
    'refmvs',
  ],
  ...['scan', 'tables', 'thread_task', 'warpmv', 'wedge'],
];

/** To be compiled once for 8 bits a sample and once for 10 and 12. */
const templates = [
  ...['cdef_apply', 'cdef', 'fg_apply', 'filmgrain', 'ipred_prepare', 'ipred', 'itx', 'lf_apply'],
  ...['loopfilter', 'looprestoration', 'lr_apply', 'mc', 'recon'],
];

/** What dav1d's own build would find out: C alone, no log, one processor that is none of these. */
const config = {
  ...{ CONFIG_8BPC: 1, CONFIG_16BPC: 1, CONFIG_LOG: 0, CONFIG_MACOS_KPERF: 0 },
  ...{ HAVE_ASM: 0, HAVE_C11_GENERIC: 1, HAVE_POSIX_MEMALIGN: 1, HAVE_UNISTD_H: 1 },
  ...{ ARCH_AARCH64: 0, ARCH_ARM: 0, ARCH_X86: 0, ARCH_X86_32: 0, ARCH_X86_64: 0 },
  ...{ ARCH_LOONGARCH: 0, ARCH_LOONGARCH32: 0, ARCH_LOONGARCH64: 0, ARCH_PPC64LE: 0 },
  ...{ ARCH_RISCV: 0, ARCH_RV32: 0, ARCH_RV64: 0, ENDIANNESS_BIG: 0, TRIM_DSP_FUNCTIONS: 0 },
};

export const dav1dBuild: DecoderBuild = {
  source: {
    registry: 'Debian',
    name: 'dav1d',
    version: '1.5.1',
    sha256: '401813f1f89fa8fd4295805aa5284d9aed9bc7fc1fdbe554af4292f64cbabe21',
  },
  folder: '',
  units: [
    ...sources.map((name) => [`src/${name}.c`] as const),
    ...templates.flatMap((name) =>
      [8, 16].map((depth) => [`src/${name}_tmpl.c`, `-DBITDEPTH=${depth}`] as const),
    ),
  ],
  ownSources: ['dav1d/dav1d.c'],
  flags: ['-Os', '-std=c11', '-D_GNU_SOURCE'],
  includes: ['', 'include'],
  headers: writeHeaders,
  // dav1d asks for half a megabyte of a thread.
  stackBytes: 1024 * 1024,
  maxMemoryBytes,
};

/** What dav1d's own build makes. */
async function writeHeaders(dav1d: string): Promise<Record<string, string>> {
  const lines = Object.entries(config).map(([name, value]) => `#define ${name} ${value}\n`);
  const meson = await readFile(join(dav1d, 'meson.build'), 'utf8');
  const project = /version: '([\d.]+)'/.exec(meson)?.[1] ?? '';
  return {
    'config.h': lines.join(''),
    'vcs_version.h': `#define DAV1D_VERSION "${project}"\n`,
  };
}

if (import.meta.main) await writeDecoder(dav1dBuild, new URL('dav1d.wasm', import.meta.url));
