import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { tinyCardForImages } from '../../../fixtures/tiny-card.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { predict } from '../../evaluation/predict.ts';
import { loadModel } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { toGraphModel } from '../graph-model.ts';
import { refitKnownScore } from '../refit-known-score.ts';
import { writeModelDirectory } from '../write-model-directory.ts';
import { addClass } from './add-class.ts';

const signal = new AbortController().signal;
let root: string;
let directory: string;
const useCache = () => vi.stubEnv('GRAFT_CACHE', join(root, 'cache'));
beforeAll(async () => {
  await startBackend('wasm', () => {});
  root = await mkdtemp(join(tmpdir(), 'graft-add-'));
  useCache();
  directory = join(root, 'models', 'pets');
  const model = await toGraphModel(fusePlan(buildTinyNetwork()), TINY_SIZE, 'float32');
  await writeModelDirectory(directory, model, tinyCardForImages);
  // Classes as the network of random weights has them would be of no use to anyone, but these are old images all the same.
  for (const [at, label] of ['cat', 'dog', 'fox'].entries()) {
    await paint(`photos/${label}`, 24, at * 80, 0);
  }
  await paint('lynxes', 6, 0, 250);
  await refitKnownScore(directory, {
    data: join(root, 'photos'),
    keep: 0.9,
    signal,
    say: () => {},
  });
});
beforeEach(useCache);
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** Stripes, which no two images have alike. */
async function paint(folder: string, count: number, red: number, blue: number): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  for (let image = 0; image < count; image++) {
    const data = Uint8Array.from({ length: 24 * 24 * 3 }, (_, at) => {
      const stripe = 40 * Math.sin(at * (1 + image) * 0.37 + image);
      return Math.max(0, Math.min(255, [red, 120, blue][at % 3] as number) + stripe);
    });
    const raw = { width: 24, height: 24, channels: 3 } as const;
    await sharp(data, { raw })
      .png()
      .toFile(join(root, folder, `${image}.png`));
  }
}

const task = (from: string, label = 'lynx') => ({
  ...{ label, from: join(root, from), data: join(root, 'photos'), signal },
  ...{ say: () => {}, report: vi.fn() },
});

test('writes a model that has the class, and whose score knows it', async () => {
  const { model, draft, added } = await addClass(directory, task('lynxes'));
  expect(added).toMatchObject({ label: 'lynx', photos: 6 });
  expect(added.old.images).toBeGreaterThan(30);
  const written = await writeModelDirectory(join(root, 'added', 'pets'), model, draft);
  expect(written.card.added).toEqual([added]);
  expect(written.card.accuracy).toEqual([]);
  expect(written.card.knownScore?.prototypes).toBe(24 + 6);
  const classifier = await loadModel(written.directory);
  const seen = await predict(classifier, join(root, 'lynxes/0.png'), 1);
  classifier.dispose();
  expect(seen).toMatchObject({ known: true, predictions: [{ label: 'lynx', index: 3 }] });
  const before = await loadModel(directory);
  const unseen = await predict(before, join(root, 'lynxes/0.png'), 1);
  before.dispose();
  expect(unseen.score as number).toBeLessThan(seen.score as number);
});

test('finds the ports of a model whose score was fitted anew', async () => {
  const { signature } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8'));
  expect(Object.keys(signature)).toEqual(['inputs', 'outputs']);
});

test('adds another class to the one that it has added', async () => {
  const first = await addClass(directory, task('lynxes'));
  const at = join(root, 'twice', 'pets');
  await writeModelDirectory(at, first.model, first.draft);
  await paint('owls', 5, 250, 250);
  const { draft } = await addClass(at, task('owls', 'owl'));
  expect(draft.labels.map(({ name }) => name)).toEqual(['cat', 'dog', 'fox', 'lynx', 'owl']);
  expect(draft.added?.map(({ label }) => label)).toEqual(['lynx', 'owl']);
});

test('refuses a class that is there, and fewer than five photos that can be read', async () => {
  await expect(addClass(directory, task('lynxes', 'dog'))).rejects.toThrow('pets has dog already');
  await paint('few', 4, 9, 9);
  await writeFile(
    join(root, 'few', 'torn.png'),
    (await readFile(join(root, 'few/0.png'))).subarray(0, 60),
  );
  const few = task('few');
  await expect(addClass(directory, few)).rejects.toThrow(
    /5 photos or more in .*few, but 4 can be read/,
  );
  expect(few.report).toHaveBeenCalledOnce();
});
