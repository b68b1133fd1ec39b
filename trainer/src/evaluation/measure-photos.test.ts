import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { loadModel } from '../models/load-model.ts';
import { benchmarkOf, listPhotos, measurePhotos } from './measure-photos.ts';

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const photoOf = (name: string) => pathOf(`../../../shared/fixtures/${name}.png`);

let folder: string;
beforeEach(async () => {
  await startBackend('wasm', () => {});
  folder = await temporaryFolder();
});

async function put(label: string, photo: string): Promise<void> {
  await mkdir(join(folder, label), { recursive: true });
  await copyFile(photoOf(photo), join(folder, label, `${photo}.png`));
}

test('counts correct predictions among all classes, and lists the wrong ones', async () => {
  await put('cat', 'chelsea');
  // A photo that is not a ship, in the wrong folder.
  await put('ship', 'chelsea');
  await writeFile(join(folder, 'ship', 'notes.txt'), 'no photo');
  const model = await loadModel(pathOf('../../../edge/public/models/cifar10-fast'));
  const photos = await listPhotos(
    folder,
    model.labels.map(({ name }) => name),
  );
  const { wrong, ...result } = await measurePhotos(model, photos);
  model.dispose();
  const cat = wrong[0]?.probability as number;
  expect(wrong).toEqual([{ photo: 'ship/chelsea.png', predicted: 'cat', probability: cat }]);
  expect(cat).toBeGreaterThan(0.5);
  expect(result).toMatchObject({ right: 1, photos: 2 });
  expect(result.probability).toBeGreaterThan(cat / 2);
  expect(result.probability).toBeLessThan(0.5);
  // Nine classes share the remaining probability.
  expect(result.logLoss).toBeGreaterThan(-Math.log(1 - cat) / 2);
});

test('refuses a folder with another name, listing the classes, and one without photos', async () => {
  await put('kitten', 'chelsea');
  await expect(listPhotos(folder, ['cat', 'dog'])).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: `Expected folders named after the model's classes (cat, dog), but ${folder} contains kitten.`,
  });
  const empty = join(folder, 'kitten');
  await expect(listPhotos(empty, ['cat', 'dog'])).rejects.toMatchObject({
    message: `Expected photos in folders named after the model's classes (cat, dog), but ${empty} contains none.`,
  });
  await expect(listPhotos(join(folder, 'none'), ['cat'])).rejects.toMatchObject({
    code: 'dataset_invalid',
  });
});

test("formats a card's benchmark accuracy", async () => {
  const { card, dispose } = await loadModel(pathOf('../../../edge/public/models/cifar10'));
  dispose();
  expect(benchmarkOf(card)).toMatch(/^9\d\.\d\d % of CIFAR-10, test$/);
});
