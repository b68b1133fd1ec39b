import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { photos } from '../config/photos.ts';
import { createRandom } from '../config/random.ts';
import { prepareImages } from './prepare-images.ts';

const SIDE = 64;
const FEW = 5;

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** Two classes of squares in which red rises from left to right; their stripes and blue differ, so that none is another's copy. */
async function folderOf(perClass: number): Promise<string> {
  const folder = await temporaryFolder();
  for (const [at, label] of ['a', 'b'].entries()) {
    await mkdir(join(folder, label));
    for (let number = 0; number < perClass; number++) {
      const tone = 12 * (at * perClass + number);
      const pixels = Array.from({ length: SIDE * SIDE }, (_, pixel) => [
        ...[(255 * (pixel % SIDE)) / (SIDE - 1), tone * (Math.floor(pixel / SIDE) % 2)],
        tone,
      ]);
      await sharp(Uint8Array.from(pixels.flat()), {
        raw: { width: SIDE, height: SIDE, channels: 3 },
      }).toFile(join(folder, label, `${number}.png`));
    }
  }
  return folder;
}

/** The least area of the crops that train, as a share of the image's: a crop is as wide as its red ranges. */
async function leastCrop(perClass: number): Promise<{ validates: boolean; least: number }> {
  const config = {
    ...{ ...photos, size: 32, validateFrom: FEW, validation: 0.2, test: 0.2 },
    augment: { ...photos.augment, flip: false, colour: 0 },
  };
  const { images, validates } = await prepareImages(config, {
    ...{ data: await folderOf(perClass), strict: true, signal: new AbortController().signal },
    say: () => {},
  });
  const areas: number[] = [];
  const random = createRandom(1);
  for (let draw = 0; draw < 100; draw++) {
    const batch = await images.augmented.inputs([0], random);
    const reds = batch.dataSync().filter((_, at) => at % 3 === 0);
    const range = Math.max(...reds) - Math.min(...reds);
    areas.push(range ** 2);
    batch.dispose();
  }
  return { validates, least: Math.min(...areas) / Math.max(...areas) };
}

test('crops few photos less, of which none can validate', async () => {
  const few = await leastCrop(FEW - 1);
  const enough = await leastCrop(2 * FEW);
  expect([few.validates, enough.validates]).toEqual([false, true]);
  expect(few.least).toBeGreaterThan(photos.augment.resizedCropOfFew - 0.05);
  expect(few.least).toBeLessThan(photos.augment.resizedCropOfFew + 0.1);
  expect(enough.least).toBeLessThan(photos.augment.resizedCrop + 0.1);
});
