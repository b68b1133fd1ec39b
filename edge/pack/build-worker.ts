/**
 * Builds what this package publishes, in its folder `dist`: `prepack` runs it. Whoever imports the Worker
 * needs no setting of wrangler for it, since what `wrangler.jsonc` has esbuild do happens here.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { experimental_readRawConfig } from 'wrangler';
import { copyLicences, writeDeclarations } from '../../pack/build-package.ts';
import manifest from '../package.json' with { type: 'json' };

const edge = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const dist = join(edge, 'dist');

const { rawConfig } = experimental_readRawConfig({ config: join(edge, 'wrangler.jsonc') });
const { alias = {}, define = {} } = rawConfig;

const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const common = {
  bundle: true,
  format: 'esm',
  target: 'es2024',
  outdir: dist,
  external: packages.flatMap((name) => [name, `${name}/*`]),
  // tfjs' own, which Apache-2.0 asks for.
  legalComments: 'inline',
} satisfies BuildOptions;

await rm(dist, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: {
    index: join(edge, 'src/library.ts'),
    'with-jobs': join(edge, 'src/library-with-jobs.ts'),
    'with-search': join(edge, 'src/library-with-search.ts'),
  },
  // As wrangler does.
  platform: 'browser',
  conditions: ['workerd', 'worker', 'browser'],
  external: [...common.external, 'cloudflare:*', 'node:*'],
  alias: Object.fromEntries(Object.entries(alias).map(([name, path]) => [name, join(edge, path)])),
  define,
  // Wrangler compiles the modules; some parts are loaded with the first request for them.
  loader: { '.wasm': 'copy' },
  splitting: true,
});
await build({ ...common, entryPoints: [join(edge, 'deploy/deploy.ts')], platform: 'node' });
const sources = ['library.ts', 'library-with-jobs.ts', 'library-with-search.ts', 'wasm.d.ts'];
await writeDeclarations(
  edge,
  sources.map((file) => join(edge, 'src', file)),
);
await copyLicences(edge);
