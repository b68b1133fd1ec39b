import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { artifactPaths, readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { moduleUrl } from '../../files/module-url.ts';
import { refuseOtherContent } from '../../files/output-folder.ts';
import { replaceDirectory } from '../../files/write-atomically.ts';
import { readModel } from '../../models/load-model.ts';

/** The files of an earlier export, and hidden ones. */
const OWN =
  /^(index\.(html|js|d\.ts)|(runtime|service-worker|.+-[A-Z0-9]{8})\.js|model\.json|group.+\.bin|package\.json|NOTICE|\..+)$/;

/**
 * Writes a model as a module for browsers, `index.js` with its types, ready to be published, and a page that
 * classifies with it, `index.html`, which needs no network once it has been loaded. They compute with the
 * Worker's own code.
 *
 * @param directory of the model
 * @param folder in which the folder `<id>` is written, or replaced
 * @returns that folder
 * @throws TrainerError `model_invalid`, `disk_full`, `not_writable`
 */
export async function exportBrowser(directory: string, folder: string): Promise<string> {
  const { card, version } = await readModel(directory);
  const target = join(folder, card.id);
  await refuseOtherContent(target, OWN, '--output');
  const read = modelFiles(directory);
  const shards = artifactPaths(await readModelCard(read));
  const names = ['model.json', ...shards];
  const model = await Promise.all(names.map(async (name) => [name, await read(name)] as const));
  const files = {
    ...Object.fromEntries(model),
    ...(await bundleRuntime(version)),
    'index.js': moduleOf(names),
    'index.d.ts': await readText('types.txt'),
    'index.html': await readText('page.html'),
    // In a checkout it is beside the packages.
    NOTICE: await readText('../../../NOTICE').catch(() => readText('../../../../NOTICE')),
  };
  await replaceDirectory(target, {
    ...files,
    'service-worker.js': serviceWorkerOf(`${card.id}@${version}`, Object.keys(files)),
    'package.json': `${JSON.stringify(
      {
        name: card.id,
        version: '1.0.0',
        description: card.title,
        type: 'module',
        exports: { '.': { types: './index.d.ts', default: './index.js' } },
        sideEffects: false,
      },
      null,
      2,
    )}\n`,
  });
  return target;
}

/**
 * The code and the decoders, which are loaded with the first image of their format.
 *
 * @param version of the model
 */
async function bundleRuntime(version: string): Promise<Record<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(moduleUrl('runtime', import.meta))],
    outdir: '.',
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    loader: { '.wasm': 'binary' },
    // Emscripten's branches for Node fall away.
    define: { process: 'undefined', __dirname: "''" },
    // tfjs keeps these in the page for all copies of it: the modules of two models would use each other's kernels.
    mangleProps: /^_tf(engine|Globals)$/,
    mangleCache: { _tfengine: `_tfengine${version}`, _tfGlobals: `_tfGlobals${version}` },
    legalComments: 'inline',
    logLevel: 'error',
  });
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}

/** Bundlers find files by `new URL(…, import.meta.url)`. */
function moduleOf(names: readonly string[]): string {
  const urls = names.map((name) => `  '${name}': new URL('./${name}', import.meta.url),`);
  return [
    "import { createClassifier } from './runtime.js';",
    '',
    'export const { classify, load } = createClassifier({',
    ...urls,
    '});',
    '',
  ].join('\n');
}

/** Keeps the page and all that it loads, also decoders that it has not needed yet. */
function serviceWorkerOf(reference: string, files: readonly string[]): string {
  return `const CACHE = ${JSON.stringify(`graft ${reference}`)};
const FILES = ${JSON.stringify(['./', ...files])};

addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});
addEventListener('activate', (event) => {
  const isOld = (name) => name.startsWith('graft ') && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});
addEventListener('fetch', (event) => {
  event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
});
`;
}

function readText(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8');
}
