import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { DEVIATION, MEAN } from '../backbones/imagenet-statistics.ts';
import { backbones } from '../backbones/registry.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { type DownloadOptions, downloadFile, type RemoteFile } from './download.ts';
import { loadWeights } from './load-weights.ts';
import { bundledWeights, officialWeights } from './official-weights.ts';
import { cachedFromPackage, packagedWeights } from './packaged-weights.ts';
import { readWeights } from './read-weights.ts';

/**
 * Loads a network's pretrained weights, from the official files, which are downloaded once, or from
 * a given file.
 *
 * @param weights `imagenet`, or the path of a file in any format that `readWeights` reads
 * @param includeTop whether the network has its classifier; if not, the file's classifier is
 *   ignored
 * @throws TrainerError `weights_invalid`, also where the file normalizes images with other
 *   statistics than ImageNet's, `config_invalid` where there are no official weights,
 *   `download_failed`, `disk_full`
 */
export async function loadBackboneWeights(
  model: tf.LayersModel,
  name: BackboneName,
  weights: string,
  includeTop: boolean,
  options: DownloadOptions = { say: console.log },
): Promise<void> {
  const path = weights === 'imagenet' ? await imagenetFile(name, includeTop, options) : weights;
  try {
    const tensors = await readWeights(path, model.layers, { withoutTop: !includeTop });
    refuseOtherStatistics(model, tensors, path);
    loadWeights(model.layers, tensors);
  } catch (error) {
    // Code that compares weights with the network does not know the path.
    if (!(error instanceof TrainerError) || error.message.includes(path)) throw error;
    throw new TrainerError(error.code, `${error.message} The file is ${path}.`, error.cause);
  }
}

/** The preprocess spec uses ImageNet's statistics in place of a Normalization layer. */
function refuseOtherStatistics(
  model: tf.LayersModel,
  tensors: Awaited<ReturnType<typeof readWeights>>,
  path: string,
): void {
  const expected = { mean: MEAN, variance: DEVIATION } as const;
  for (const layer of model.layers) {
    if (layer.getClassName() !== 'Normalization') continue;
    for (const [statistic, imagenet] of Object.entries(expected)) {
      const values = [...(tensors.get(`${layer.name}/${statistic}`)?.values ?? [])];
      if (values.every((value, channel) => Math.abs(value - (imagenet[channel] ?? 0)) < 1e-6))
        continue;
      throw new TrainerError(
        'weights_invalid',
        `Expected the weights of ${path} to normalize images by the ${statistic} ${imagenet.join(', ')}, as Keras' ImageNet weights do, but they have ${values.map((value) => +value.toPrecision(6)).join(', ')}: pass weights that were fine-tuned from these.`,
      );
    }
  }
}

async function imagenetFile(
  name: BackboneName,
  includeTop: boolean,
  options: DownloadOptions,
): Promise<string> {
  const bundled = bundledWeights[name];
  if (bundled !== undefined) return bundled;
  const packaged = packagedWeights[name];
  if (packaged) return cachedFromPackage(packaged, backbones[name].title, options);
  const official = officialWeights[name];
  if (!official) {
    throw new TrainerError(
      'config_invalid',
      `Keras publishes no ImageNet weights for ${backbones[name].title}: pass a file with --weights <file>, or --weights none for random weights.`,
    );
  }
  return cachedFile(includeTop ? official.top : official.notop, backbones[name].title, options);
}

/** @throws TrainerError `download_failed` saying which file to get in another way, `disk_full` */
export async function cachedFile(
  file: RemoteFile,
  title: string,
  options: DownloadOptions,
): Promise<string> {
  const target = join(cacheDirectory(), 'weights', basename(new URL(file.url).pathname));
  if (existsSync(target)) return target;
  options.say(`Downloading the ImageNet weights of ${title}, once, to ${target}.`);
  try {
    await downloadFile(file, target, options);
  } catch (error) {
    if (!(error instanceof TrainerError) || error.code !== 'download_failed') throw error;
    throw new TrainerError(
      'download_failed',
      `${error.message}: try again, or download that file in another way and pass it with --weights <file>.`,
      error.cause,
    );
  }
  return target;
}
