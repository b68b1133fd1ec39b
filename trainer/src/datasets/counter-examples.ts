import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from 'shared/images/image-error';
import { listNames } from '../files/list-names.ts';
import type { ImageSet } from './dataset.ts';
import { decodingThreads } from './decoding/decoding-threads.ts';
import { COUNTER_FOLDERS } from './folders/is-clutter.ts';
import { listImages } from './list-images.ts';

/**
 * The images of none of the classes that a folder of images has in `_unknown` or `_other`, at any depth.
 * Files that cannot be read are left out.
 *
 * @param data name or path of a data set; null for CIFAR-10
 * @param size side of the network's input, in pixels
 * @param say is told how many there are
 * @returns undefined where there are none
 */
export async function openCounterExamples(
  data: string | null,
  size: number,
  say: (line: string) => void,
): Promise<ImageSet | undefined> {
  if (data === null) return undefined;
  const paths: string[] = [];
  const broken: string[] = [];
  for (const name of COUNTER_FOLDERS) {
    const folder = join(data, name);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) continue;
    for (const path of await listImages(folder)) {
      // Whoever trains for an hour should not be told of it after that.
      const isRead = await decodingThreads.decode(path, size).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ImageError) return false;
          throw error;
        },
      );
      (isRead ? paths : broken).push(path);
    }
  }
  if (broken.length > 0) {
    const names = listNames(broken, 5);
    say(`Counter-examples that cannot be read and are left out: ${broken.length} (${names}).`);
  }
  if (paths.length === 0) return undefined;
  say(`Counter-examples, images of none of the classes: ${paths.length}.`);
  const path = (index: number) => paths[index] as string;
  return {
    length: paths.length,
    image: async (index, side = size) => (await decodingThreads.decode(path(index), side)).image,
    label: () => 0,
    path,
  };
}
