import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { tinyCardForImages } from '../../fixtures/tiny-card.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { toGraphModel } from '../export/graph-model.ts';
import { writeModelDirectory } from '../export/write-model-directory.ts';
import { fusePlan } from '../plan/fuse.ts';
import { compareModels, formatComparison, requireNoWorse } from './compare-models.ts';
import { type Evaluation, evaluateModel } from './evaluate-model.ts';
import { mcnemar } from './mcnemar.ts';

let folder: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  folder = await temporaryFolder();
  for (const [label, name] of ['cat', 'dog'].entries()) {
    await mkdir(join(folder, 'photos', name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const random = createRandom(100 * label + i);
      const value = () => 60 + 60 * label + 200 * (random.float() - 0.5);
      await sharp(Uint8ClampedArray.from({ length: 432 }, value), {
        raw: { width: 12, height: 12, channels: 3 },
      }).toFile(join(folder, 'photos', name, `${i}.png`));
    }
  }
});

/** The same network each time, whose outputs have the labels in the given order. */
async function writeModel(id: string, labels: readonly string[]): Promise<string> {
  const directory = join(folder, id);
  const model = await toGraphModel(fusePlan(buildTinyNetwork()), TINY_SIZE, 'float32');
  const names = labels.map((name) => ({ name }));
  await writeModelDirectory(directory, model, { ...tinyCardForImages, id, labels: names });
  return directory;
}

test('compares two models on the same images, each by its own labels', async () => {
  const one = await writeModel('one', ['cat', 'dog', 'fox']);
  const other = await writeModel('other', ['dog', 'fox', 'cat']);
  const options = {
    ...{ data: join(folder, 'photos'), strict: true, say: () => {} },
    signal: new AbortController().signal,
  };
  const before = tf.memory().numTensors;
  const comparison = await compareModels(one, other, options);
  expect(tf.memory().numTensors).toBe(before);
  for (const [directory, compared] of [
    [one, comparison.model],
    [other, comparison.against],
  ] as const) {
    const { top1, images } = (await evaluateModel(directory, options)) as Evaluation;
    expect(compared.right).toBe(Math.round(top1 * images));
    expect(images).toBe(comparison.images);
  }
  // One network with other labels says something else of every image.
  expect(comparison.changed).toHaveLength(16);
  expect(comparison.changed.map(({ file }) => file)).toContain(join('dog', '7.png'));
  expect(comparison.model.right - comparison.model.alone).toBe(0);
  expect(formatComparison(comparison)).toContain("McNemar's test, p ");
  const same = await compareModels(one, one, options);
  expect(same.changed).toEqual([]);
  expect(same.pValue).toBe(1);
});

test('refuses a model that is worse by more than chance', () => {
  const comparison = (alone: number, against: number) => ({
    ...({ dataset: 'photos', split: 'test', images: 100, changed: [] } as const),
    model: { id: 'pets', version: 'aaa', right: 80 + alone, alone },
    against: { id: 'pets', version: 'bbb', right: 80 + against, alone: against },
    pValue: mcnemar(alone, against),
  });
  expect(() => requireNoWorse(comparison(0, 9))).toThrow(
    'not worse than bbb, but aaa gets 80 of 100 images right instead of 89',
  );
  expect(formatComparison(comparison(0, 9))).toContain(
    "It is worse than the other, by more than chance (McNemar's test, p = 0.004).",
  );
  expect(formatComparison(comparison(9, 0))).toContain('It is better than the other, by more');
  expect(formatComparison(comparison(3, 5))).toContain('The difference may be chance');
  // One or two images more or fewer may be chance, and more are no fault.
  requireNoWorse(comparison(3, 5));
  requireNoWorse(comparison(9, 0));
});
