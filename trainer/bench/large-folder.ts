/**
 * Memory of reading a folder of 100,000 photos, next to Keras in the same run.
 *
 *     pnpm --filter trainer run bench:large-folder
 *
 * The photos are small, so that this is over in minutes, and all are different files. Both read all
 * of them twice, in batches of 32 at 64 pixels. The result that matters is that memory does not
 * grow from one epoch to the next.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { preparePython } from '../src/programs/python-environment.ts';

const run = promisify(execFile);
const PHOTOS = 100_000;
const CLASSES = 100;

interface Figures {
  readonly images_per_second: number;
  readonly open_seconds: number;
  readonly rss_mb_by_epoch: readonly [number, number];
  readonly peak_rss_mb: number;
}

const python = await preparePython(console.log);
const root = await mkdtemp(join(tmpdir(), 'graft-large-'));
const folder = join(root, 'photos');
try {
  await makePhotos();
  const options = ['--folder', folder, '--size', '64', '--batch', '32'];
  const env = { ...process.env, GRAFT_CACHE: join(root, 'cache') };
  const graft = await measure(process.execPath, [pathOf('folder-graft.ts'), ...options], env);
  console.log(`graft          ${row(graft)}`);
  const again = await measure(
    process.execPath,
    [pathOf('folder-graft.ts'), ...options, '--epochs', '1'],
    env,
  );
  console.log(`graft, again   opened in ${again.open_seconds.toFixed(1)} s`);
  const keras = await measure(python, [pathOf('folder_peer.py'), ...options], env);
  console.log(`Keras          ${row(keras)}`);
  await reportFigures('trainer bench:large-folder', {
    ratio_keras_memory: ratio(keras.peak_rss_mb, graft.peak_rss_mb),
    ratio_keras: ratio(graft.images_per_second, keras.images_per_second),
    graft,
    open_again_seconds: again.open_seconds,
    keras,
  });
} finally {
  await rm(root, { recursive: true });
}

async function makePhotos(): Promise<void> {
  const { data, info } = await sharp(pathOf('../../shared/fixtures/coffee.png'))
    .resize(96, 72)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const photo = await sharp(data, { raw: info }).jpeg().toBuffer();
  for (let name = 0; name < CLASSES; name++) {
    const into = join(folder, `class ${name}`);
    await mkdir(into, { recursive: true });
    for (let number = name; number < PHOTOS; number += CLASSES) {
      // Each has bytes of its own after the image's end, so that none is a repeat.
      const own = Buffer.alloc(4);
      own.writeUInt32LE(number);
      await writeFile(join(into, `${number}.jpg`), Buffer.concat([photo, own]));
    }
  }
}

async function measure(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Figures> {
  const { stdout } = await run(program, args, { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

function row({ open_seconds, images_per_second, rss_mb_by_epoch, peak_rss_mb }: Figures): string {
  const [first, second] = rss_mb_by_epoch.map(Math.round);
  return `opened in ${open_seconds.toFixed(1)} s, ${Math.round(images_per_second)} photos/s, ${first} MB after one epoch and ${second} MB after two, at most ${Math.round(peak_rss_mb)} MB`;
}

function ratio(a: number, b: number): number {
  return Number((a / b).toFixed(2));
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
