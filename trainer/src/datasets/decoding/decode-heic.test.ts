import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { decodeFile } from './decode-file.ts';

// By Pillow 13 with pillow-heif 1.8: four colours of Display P3, 64 × 48, which `irot` turns to the right.
const phone = await readFile(new URL('../../../fixtures/folders/phone.heic', import.meta.url));

test('reads a HEIC upright and in sRGB, and says that the Worker does not', async () => {
  const { image, ...found } = await decodeFile(phone, 32);
  expect(found).toEqual({
    width: 48,
    height: 64,
    unserved: 'The file is a HEIC image; send a JPEG, PNG, WebP, AVIF or GIF.',
  });
  expect(image).toMatchObject({ width: 48, height: 64, channels: 3 });
  const at = (x: number, y: number) => image.data.subarray((y * 48 + x) * 3, (y * 48 + x + 1) * 3);
  // As Pillow has them, through Little CMS.
  for (const [x, y, colour] of [
    [8, 8, [49, 60, 209]],
    [40, 8, [218, 0, 26]],
    [8, 55, [241, 230, 0]],
    [40, 55, [0, 182, 31]],
  ] as const) {
    for (const [i, value] of colour.entries()) {
      expect(Math.abs((at(x, y)[i] as number) - value), `${x}, ${y}`).toBeLessThanOrEqual(2);
    }
  }
});

test('reduces a large HEIC as it does other images', async () => {
  const { image, width, height } = await decodeFile(phone, 12);
  expect([width, height, image.width, image.height]).toEqual([48, 64, 24, 32]);
});

test.each([
  ['cut', phone.subarray(0, 900)],
  ['without an image', phone.subarray(0, 40)],
])('refuses one that is %s', async (_, file) => {
  await expect(decodeFile(file, 32)).rejects.toThrow('The image is damaged');
});
