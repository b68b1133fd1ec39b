import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { downloadFile, type RemoteFile } from '../weights/download.ts';
import { openCifar10 } from './cifar.ts';
import { openCifarBinary } from './cifar-binary.ts';
import type { Dataset } from './dataset.ts';
import { type ImageFolderOptions, openImageFolder } from './folders/image-folder.ts';

interface KnownDataset {
  /** One line for the user. */
  readonly about: string;
  open(options: Pick<ImageFolderOptions, 'say' | 'signal'>): Promise<Dataset>;
}

/** The data sets that `--data` takes by name. */
export const knownDatasets: Readonly<Record<string, KnownDataset>> = {
  cifar10: {
    about: 'CIFAR-10: 60,000 images of 32×32 in 10 classes, which come with the dependencies',
    open: openCifar10,
  },
  cifar100: {
    about: 'CIFAR-100: 60,000 images of 32×32 in 100 classes, 161 MB, downloaded once',
    open: (options) =>
      openRemote(
        {
          url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
          md5: '03b5dce01913d631647c71ecec9e9cb8',
        },
        options,
      ),
  },
};

/**
 * Opens a data set by its name, by the path of CIFAR's binary files, or by that of a folder of photos.
 *
 * @param data null for CIFAR-10
 * @throws TrainerError `dataset_invalid`; for one that is downloaded: `download_failed`, `disk_full`
 */
export async function openDataset(
  data: string | null,
  options: ImageFolderOptions,
): Promise<Dataset> {
  const name = data ?? 'cifar10';
  const known = Object.hasOwn(knownDatasets, name) ? knownDatasets[name] : undefined;
  if (known && options.labels !== undefined) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a folder of images after --data, since --labels says which labels they have, but got ${name}.`,
    );
  }
  if (known) return known.open(options);
  return (await openCifarBinary(name)) ?? openImageFolder(name, options);
}

/** CIFAR's binary files from their archive, which is downloaded once. */
export async function openRemote(
  remote: RemoteFile,
  options: Pick<ImageFolderOptions, 'say' | 'signal'>,
): Promise<Dataset> {
  const path = join(cacheDirectory(), 'datasets', basename(remote.url));
  if (!existsSync(path)) {
    options.say(`Downloading ${remote.url} (once, to ${path}).`);
    await downloadFile(remote, path, options);
  }
  return openCifarBinary(path) as Promise<Dataset>;
}
