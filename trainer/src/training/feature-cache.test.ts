import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { mountSmallDisk } from '../../fixtures/small-disk.ts';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { backbones } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan, type Plan } from '../plan/plan.ts';
import { FeatureCache, type FeatureOrigin, type SharedFeatures } from './feature-cache.ts';
import { computeFeatures } from './features.ts';

const random = createRandom(1);
const indices = [0, 1, 2, 3, 4, 5, 6];
const photos = memoryBatches(indices.length, [TINY_SIZE, TINY_SIZE, 3]);
const part = { set: { length: 7, label: photos.label, image: () => never() }, indices };

let plan: Plan;
let origin: FeatureOrigin;
let folder: string;
let said: string[];
let computed: number;

beforeAll(async () => {
  await startBackend('cpu', () => {});
  plan = fusePlan(buildTinyNetwork());
});
beforeEach(async () => {
  folder = await temporaryFolder();
  const { preprocess } = backbones['efficientnet-lite0'];
  origin = {
    trunk: cutPlan(plan, 'avg_pool').trunk,
    preprocess: { ...preprocess, size: TINY_SIZE },
    datasetHash: 'abc',
    backend: 'cpu',
  };
  said = [];
  computed = 0;
});

function never(): never {
  throw new Error('No one should ask for an image.');
}

/** Computes features as a training does, and counts the images that had to be computed. */
async function features({
  in: cacheFolder = folder,
  name = 'train',
  of = part,
  shared,
  ...change
}: Partial<
  FeatureOrigin & { in: string; name: 'train' | 'test'; of: typeof part; shared: SharedFeatures }
> = {}): Promise<tf.Tensor> {
  const cache = await FeatureCache.open({ ...origin, ...change }, (line) => said.push(line), {
    folder: cacheFolder,
    shared,
  });
  const counted = {
    ...photos,
    inputs: (chosen: readonly number[]) => {
      computed += chosen.length;
      return photos.inputs(chosen, random);
    },
  };
  const source = await computeFeatures(origin.trunk, counted, {
    batchSize: 2,
    shardSize: 4,
    progress: { advance: () => {}, stop: () => {} },
    signal: new AbortController().signal,
    store: cache.storeOf(name, of),
  });
  await cache.close();
  return source.inputs(indices, random);
}

async function shards(): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith('.safetensors'))
    .sort()
    .map((file) => join(folder, file));
}

test('computes once, and returns the same numbers the second time', async () => {
  const first = await features();
  expect(computed).toBe(7);
  const before = tf.memory().numTensors;
  const second = await features();
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(computed).toBe(7);
  expect(largestDifference(first, second)).toBe(0);
  // Seven rows of four values.
  expect(said).toEqual([
    expect.stringMatching(/^Feature cache: 0\.0 MB written; 0\.0 MB in .*\.$/),
    expect.stringMatching(/^Feature cache: 0\.0 MB read; 0\.0 MB in .*\.$/),
  ]);
});

test.each([
  ['layers', () => ({ trunk: cutPlan(plan, 'top_dropout').trunk })],
  ['preprocessing', () => ({ preprocess: { ...origin.preprocess, size: 10 } })],
  ['data set', () => ({ datasetHash: 'abd' })],
  ['backend', () => ({ backend: 'wasm' })],
  ['images', () => ({ of: { ...part, indices: [0, 1, 2, 3, 4, 5, 7] } })],
  ['part of the data set', () => ({ name: 'test' as const })],
])('computes again for other %s', async (_, change) => {
  await features();
  await features(change());
  expect(computed).toBe(14);
  expect(await shards()).toHaveLength(4);
});

test.each<[string, (path: string) => Promise<void>]>([
  ['is cut short', (path) => truncate(path, 100)],
  ['is empty', (path) => truncate(path, 0)],
  [
    'has another number in it',
    async (path) => {
      const file = await readFile(path);
      file.writeFloatLE(1, file.length - 4);
      await writeFile(path, file);
    },
  ],
])('says so and computes a shard again that %s', async (_, damage) => {
  const first = await features();
  const [path] = (await shards()) as [string];
  await damage(path);
  expect(largestDifference(first, await features())).toBe(0);
  expect(computed).toBe(7 + 4);
  expect(said).toContainEqual(`The features in ${path} are damaged; computing them again.`);
  await features();
  expect(computed).toBe(7 + 4);
});

test('computes only the shards that a killed run did not reach', async () => {
  const first = await features();
  await rm((await shards())[1] as string);
  expect(largestDifference(first, await features())).toBe(0);
  expect(computed).toBe(7 + 3);
});

test('takes what another machine has computed, unless it is damaged', async () => {
  const files = new Map<string, Buffer>();
  const shared: SharedFeatures = {
    async fetch(name, path) {
      const file = files.get(name);
      if (!file) return;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file);
    },
    store: async (name, path) => void files.set(name, await readFile(path)),
  };
  const first = await features({ shared });
  expect([computed, files.size]).toEqual([7, 2]);
  expect(largestDifference(first, await features({ in: join(folder, 'b'), shared }))).toBe(0);
  expect(computed).toBe(7);
  const [name, file] = [...files][0] as [string, Buffer];
  files.set(name, file.subarray(0, file.length - 4));
  expect(largestDifference(first, await features({ in: join(folder, 'c'), shared }))).toBe(0);
  expect(computed).toBe(7 + 4);
  // The whole one takes its place.
  expect(files.get(name)).toEqual(file);
});

test('continues without a cache where it cannot write, with one message', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await features({ in: file });
  expect(said).toEqual([
    expect.stringMatching(/^Features will not be cached .* is a file, not a folder/),
  ]);
});

test('continues without a cache where the disk is full', async ({ skip }) => {
  // A folder takes one page of the disk, and a shard more than another.
  const unmount = await mountSmallDisk(folder, 12);
  if (!unmount) return skip('Only root can mount a small disk.');
  try {
    await writeFile(join(folder, 'filler'), Buffer.alloc(65_536)).catch(() => {});
    await features();
    expect(said).toEqual(['Features will not be cached for the next run: the disk is full.']);
    expect(await shards()).toEqual([]);
  } finally {
    await unmount();
  }
});

test('removes the least recently used entries', async () => {
  await features();
  await features({ datasetHash: 'second' });
  const entries = (await readdir(folder)).map((name) => join(folder, name));
  // A sparse file, so that the cache is over its limit on a small disk too.
  for (const entry of entries) await writeFile(join(entry, 'large'), '');
  for (const entry of entries) await truncate(join(entry, 'large'), 3 * 1024 ** 3);
  const used = await storeFolderOf('second');
  await utimes(used, new Date(0), new Date(0));
  await features({ datasetHash: 'second' });
  expect(await readdir(folder)).toHaveLength(1);
  expect((await stat(used)).isDirectory()).toBe(true);
});

/** The cache entry that only a run on this data set uses. */
async function storeFolderOf(datasetHash: string): Promise<string> {
  const times = async () =>
    Promise.all(
      (await readdir(folder)).map(async (name) => {
        const path = join(folder, name);
        return { path, mtimeMs: (await stat(path)).mtimeMs };
      }),
    );
  for (const { path } of await times()) await utimes(path, new Date(1000), new Date(1000));
  const cache = await FeatureCache.open({ ...origin, datasetHash }, () => {}, { folder });
  await cache.storeOf('train', part).load(0);
  const touched = (await times()).find(({ mtimeMs }) => mtimeMs > 1000);
  if (!touched) throw new Error('no entry was used');
  return touched.path;
}
