import { expect, test } from 'vitest';
import { measureLargePhotos } from './large-photos.ts';

test('large photos take less than 100 MB and get the predictions of a full decode', async () => {
  const photos = await measureLargePhotos();
  expect(photos.map(({ name, megapixels }) => `${name} ${megapixels}`)).toEqual([
    'baseline JPEG 12',
    'baseline JPEG 48',
    'grainy JPEG 48',
    'progressive JPEG 12',
    'PNG 12',
    'WebP 12',
    'AVIF 12',
    'AVIF 4:4:4 12',
    'AVIF in a grid 48',
    'GIF 12',
  ]);
  for (const photo of photos) {
    expect(photo).toMatchObject({ label: photo.fullLabel });
    expect(photo.maxDifference, photo.name).toBeLessThan(0.02);
    expect(photo.growthMb, photo.name).toBeLessThan(100);
  }
}, 300_000);
