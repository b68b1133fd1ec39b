import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../../backends/start-backend.ts';
import { createRandom } from '../../config/random.ts';
import type { Head } from '../head/head.ts';
import { contrastOf, largestLogit, widenContrast } from './contrast.ts';
import { distillContrast } from './distill-contrast.ts';
import { readImagenetClasses } from './imagenet-classes.ts';

const CHANNELS = 24;
const CLASSES = 60;
const random = createRandom(3);
const normal = () => (random.float() + random.float() + random.float() - 1.5) * 2;
const head: Head = {
  channels: CHANNELS,
  classes: CLASSES,
  kernel: Float32Array.from({ length: CHANNELS * CLASSES }, normal),
  bias: Float32Array.from({ length: CLASSES }, () => normal() / 10),
};
const isKnown = Array.from({ length: CLASSES }, (_, at) => at < 20);
const features = (count: number) =>
  Float32Array.from({ length: count * CHANNELS }, () => Math.max(0, normal()));

/** Far from the others. */
const nothing = Float32Array.from({ length: 3 * CHANNELS }, (_, at) => (at % 5 === 0 ? 3 : 0));

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

test('half as many directions as classes say nearly what the classifier does', async () => {
  const contrast = await distillContrast(head, {
    ...{ isKnown, directions: 30, steps: 400, seed: 1 },
    features: { width: CHANNELS, values: features(200) },
    ofNothing: { width: CHANNELS, values: nothing },
    signal: new AbortController().signal,
  });
  expect(contrast.known.bias.length + contrast.others.bias.length).toBe(30);
  // What shows nothing gets less than the classifier says.
  const ofNothing = [0, 1, 2].map((at) => nothing.subarray(at * CHANNELS, (at + 1) * CHANNELS));
  for (const row of ofNothing) {
    expect(contrastOf(row, contrast)).toBeLessThan(ofClassifier(row) - 1);
  }
  // Of other features than those that it was fitted to.
  const rows = Array.from({ length: 200 }, () => features(1));
  const fitted = rows.map((row) => contrastOf(row, contrast));
  const wanted = rows.map(ofClassifier);
  expect(correlation(fitted, wanted)).toBeGreaterThan(0.8);
  // A contrast that took one side for the other would be its negative.
  const isSame =
    rows.filter((_, at) => (fitted[at] as number) > 0 === (wanted[at] as number) > 0).length /
    rows.length;
  expect(isSame).toBeGreaterThan(0.75);
}, 120_000);

test('a class more gets the contrast that its median photo needs, and the others keep theirs', () => {
  const side = (count: number) => ({
    rows: { width: CHANNELS, values: Float32Array.from({ length: count * CHANNELS }, normal) },
    bias: Float32Array.from({ length: count }, normal),
  });
  const contrast = { known: side(3), others: side(4) };
  const prototypes = { width: CHANNELS, values: features(1) };
  const photos = Array.from({ length: 9 }, () => features(1));
  const wider = widenContrast(contrast, prototypes, photos, () => 7);
  expect(wider.known.bias).toHaveLength(4);
  const added = photos.map((row) => {
    const own = largestLogit(row, {
      rows: { width: CHANNELS, values: wider.known.rows.values.slice(-CHANNELS) },
      bias: wider.known.bias.slice(-1),
    });
    return own - largestLogit(row, wider.others);
  });
  expect(added.filter((value) => value >= 7 - 1e-3).length).toBeGreaterThanOrEqual(5);
  expect(added.filter((value) => value <= 7 + 1e-3).length).toBeGreaterThanOrEqual(5);
  for (const row of photos) {
    expect(contrastOf(row, wider)).toBeGreaterThanOrEqual(contrastOf(row, contrast) - 1e-3);
  }
});

test('reads names and synset ids, and refuses others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graft-classes-'));
  try {
    const path = join(folder, 'classes.txt');
    await writeFile(path, '# cats\ntabby\n\nn02123159 tiger_cat\n');
    const isKnown = await readImagenetClasses(path);
    expect([...isKnown.keys()].filter((at) => isKnown[at])).toEqual([281, 282]);
    await writeFile(path, 'tabby\nunicorn\n');
    await expect(readImagenetClasses(path)).rejects.toThrow(/got unicorn/);
    await writeFile(path, '# nothing\n');
    await expect(readImagenetClasses(path)).rejects.toThrow(/all or none/);
    await expect(readImagenetClasses(join(folder, 'no'))).rejects.toThrow(/name another file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** The difference that the whole classifier gives. */
function ofClassifier(row: Float32Array): number {
  const logits = isKnown.map((_, label) =>
    row.reduce(
      (sum, value, channel) => sum + value * (head.kernel[channel * CLASSES + label] as number),
      head.bias[label] as number,
    ),
  );
  const largest = (side: boolean) => Math.max(...logits.filter((_, at) => isKnown[at] === side));
  return largest(true) - largest(false);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], mx: number, y: readonly number[], my: number) =>
    x.reduce((sum, value, at) => sum + (value - mx) * ((y[at] as number) - my), 0);
  return (
    product(a, meanA, b, meanB) /
    Math.sqrt(product(a, meanA, a, meanA) * product(b, meanB, b, meanB))
  );
}
