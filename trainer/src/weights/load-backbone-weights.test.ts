import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { weightValues } from '../../parity/formula.ts';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { writeKerasH5 } from './keras/write-keras-h5.ts';
import { cachedFile, loadBackboneWeights } from './load-backbone-weights.ts';
import { officialWeights } from './official-weights.ts';
import { writeSafetensors } from './safetensors/safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  await startBackend('cpu', () => {});
});
beforeEach(() => vi.stubEnv('GRAFT_CACHE', folder));

test('loads a file with its classifier into a network without, and with', async () => {
  const whole = buildBackbone('lenet5', { classes: 10, initialize: false });
  const tensors = new Map<string, NamedTensor>(
    whole.layers
      .flatMap((layer) => layer.weights)
      .map(({ originalName: name, shape }) => {
        const lengths = shape.map(Number);
        return [name, { shape: lengths, values: weightValues(name, lengths, 6) }];
      }),
  );
  const path = join(folder, 'lenet5.safetensors');
  await writeSafetensors(path, { metadata: {}, tensors });
  const trunk = buildBackbone('lenet5', { includeTop: false, initialize: false });
  const before = tf.memory().numTensors;
  await loadBackboneWeights(whole, 'lenet5', path, true);
  await loadBackboneWeights(trunk, 'lenet5', path, false);
  expect(tf.memory().numTensors).toBe(before);
  for (const weight of [whole, trunk].flatMap((model) => model.layers.flatMap((l) => l.weights))) {
    expect(weight.read().dataSync()).toEqual(tensors.get(weight.originalName)?.values);
  }
});

test('refuses weights that normalize images by other statistics', async () => {
  const trunk = buildBackbone('efficientnetb0', { size: 32, includeTop: false, initialize: false });
  const path = join(folder, 'own.weights.h5');
  await writeKerasH5(path, trunk);
  const load = () => loadBackboneWeights(trunk, 'efficientnetb0', path, false);
  await load();
  // What Keras starts from with `weights=None`.
  const layer = trunk.getLayer('normalization');
  tf.tidy(() => layer.setWeights([tf.zeros([3]), tf.ones([3]), tf.scalar(0)]));
  await writeKerasH5(path, trunk);
  await expect(load()).rejects.toMatchObject({
    code: 'weights_invalid',
    message: `Expected the weights of ${path} to normalize images by the mean 0.485, 0.456, 0.406, as Keras' ImageNet weights do, but they have 0, 0, 0: pass weights that were fine-tuned from these.`,
  });
});

test('brings the weights of EfficientNet-Lite0 along', async () => {
  const trunk = buildBackbone('efficientnet-lite0', { includeTop: false, initialize: false });
  await loadBackboneWeights(trunk, 'efficientnet-lite0', 'imagenet', false);
  const [stem] = trunk.getLayer('stem_conv').weights;
  expect(Math.max(...(stem?.read().dataSync() ?? []))).toBeGreaterThan(0.5);
});

test('says which networks have no official weights', async () => {
  const model = buildBackbone('lenet5', { includeTop: false, initialize: false });
  await expect(loadBackboneWeights(model, 'lenet5', 'imagenet', false)).rejects.toMatchObject({
    code: 'config_invalid',
    message:
      'Keras publishes no ImageNet weights for LeNet-5: pass a file with --weights <file>, or --weights none for random weights.',
  });
});

test('says which file to get where the network does not reach it', async () => {
  const said: string[] = [];
  // A port that nothing listens on.
  const file = { url: 'http://127.0.0.1:9/vgg16.h5', md5: null };
  const options = { say: (line: string) => said.push(line) };
  await expect(cachedFile(file, 'VGG-16', options)).rejects.toMatchObject({
    code: 'download_failed',
    message: expect.stringMatching(
      /^http:\/\/127\.0\.0\.1:9\/vgg16\.h5 could not be downloaded \(.+\): try again, or download that file in another way and pass it with --weights <file>\.$/,
    ),
  });
  expect(said).toEqual([
    `Downloading the ImageNet weights of VGG-16, once, to ${join(folder, 'weights', 'vgg16.h5')}.`,
  ]);
});

test('names every official file apart', () => {
  const files = Object.values(officialWeights).flatMap(({ top, notop }) => [top, notop]);
  expect(files).toHaveLength(34);
  expect(new Set(files.map(({ url }) => new URL(url).pathname.split('/').at(-1))).size).toBe(34);
  for (const { url, md5 } of files) {
    expect(url).toMatch(/^https:\/\/storage\.googleapis\.com\/.+\.h5$/);
    if (md5 !== null) expect(md5).toMatch(/^[0-9a-f]{32}$/);
  }
});
