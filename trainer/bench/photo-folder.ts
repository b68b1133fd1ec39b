/**
 * Reading large photos from a folder, next to Keras in the same run, and how much reading ahead
 * speeds up training.
 *
 *     pnpm --filter trainer run bench:folder
 *
 * The folder holds 64 photos of 12 megapixels, made of those in `shared/fixtures` with noise. Both
 * decode, crop, resize to 128 pixels and batch them from warm caches, in turns; medians of 3. Keras
 * decodes every pixel; ours has the JPEG decoder reduce the image.
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
const ROUNDS = 3;
const PHOTOS = 64;
const [WIDTH, HEIGHT] = [4032, 3024];

const python = await preparePython(console.log);
const folder = await mkdtemp(join(tmpdir(), 'graft-photos-'));
try {
  await makePhotos();
  const ours = ['--folder', folder, '--size', '128', '--batch', '32'];
  const node = (...more: string[]) => [
    process.execPath,
    pathOf('folder-graft.ts'),
    ...ours,
    ...more,
  ];
  const sides = {
    graft: node(),
    'graft, one at a time': node('--serial'),
    keras: [python, pathOf('folder_peer.py'), ...ours],
    'training, reading ahead': node('--train'),
    'training, one at a time': node('--train', '--serial'),
  };
  const rates = new Map<string, number[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [side, [program = '', ...args]] of Object.entries(sides)) {
      const { stdout } = await run(program, args);
      const { images_per_second: rate } = JSON.parse(stdout.trim().split('\n').at(-1) as string);
      rates.set(side, [...(rates.get(side) ?? []), rate]);
      console.log(`round ${round}, ${side}: ${rate.toFixed(1)} photos/s`);
    }
  }
  const median = (side: keyof typeof sides) =>
    (rates.get(side) ?? []).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number;
  const ratio = (a: keyof typeof sides, b: keyof typeof sides) =>
    Number((median(a) / median(b)).toFixed(2));
  console.log(`\n${PHOTOS} photos of ${WIDTH}×${HEIGHT}; medians of ${ROUNDS} rounds`);
  for (const side of Object.keys(sides) as (keyof typeof sides)[]) {
    console.log(`${side.padEnd(26)}${median(side).toFixed(1)} photos/s`);
  }
  await reportFigures('trainer bench:folder', {
    ratio_keras: ratio('graft', 'keras'),
    ratio_one_at_a_time: ratio('graft', 'graft, one at a time'),
    ratio_training_one_at_a_time: ratio('training, reading ahead', 'training, one at a time'),
  });
} finally {
  await rm(folder, { recursive: true });
}

async function makePhotos(): Promise<void> {
  const distinct = await Promise.all(
    ['coffee', 'chelsea', 'rocket'].map(async (name) => {
      const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
      const grain = await sharp({
        create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#000', noise },
      })
        .png({ compressionLevel: 0 })
        .toBuffer();
      return sharp(pathOf(`../../shared/fixtures/${name}.png`))
        .resize(WIDTH, HEIGHT, { fit: 'cover' })
        .composite([{ input: grain, blend: 'soft-light' }])
        .jpeg({ quality: 88 })
        .toBuffer();
    }),
  );
  for (let photo = 0; photo < PHOTOS; photo++) {
    const into = join(folder, photo % 2 === 0 ? 'a' : 'b');
    await mkdir(into, { recursive: true });
    // Each has a byte of its own after the image's end, so that none is a repeat.
    const file = distinct[photo % distinct.length] as Buffer;
    await writeFile(join(into, `${photo}.jpg`), Buffer.concat([file, Uint8Array.of(photo)]));
  }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
