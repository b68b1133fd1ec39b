import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildRoundTripNetwork } from '../../fixtures/round-trip-network.ts';
import { signedValues, weightValues } from '../../parity/formula.ts';
import outputs from '../../parity/round-trip/outputs.json' with { type: 'json' };
import { startBackend } from '../backends/start-backend.ts';
import { loadWeights } from './load-weights.ts';
import { readWeights } from './read-weights.ts';
import { writeSafetensors } from './safetensors/safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  await startBackend('cpu', () => {});
});

/** What Keras saved: parity/round_trip.py. */
function saved(name: string): string {
  return fileURLToPath(new URL(`../../parity/round-trip/${name}`, import.meta.url));
}

async function load(path: string, options: Parameters<typeof buildRoundTripNetwork>[0] = {}) {
  const { layers } = buildRoundTripNetwork(options);
  const withoutTop = options.includeTop === false;
  loadWeights(layers, await readWeights(path, layers, { withoutTop }));
}

test.each([
  ['full.h5', true],
  ['full.weights.h5', true],
  ['model.h5', true],
  ['model.keras', true],
  ['notop.h5', false],
  // The classifier of a whole network is passed over.
  ['full.h5', false],
  ['full.weights.h5', false],
  ['model.keras', false],
])(
  'with %s (top: %s), as Keras saved it, computes what Keras computes',
  async (name, includeTop) => {
    const model = buildRoundTripNetwork({ includeTop });
    const before = tf.memory().numTensors;
    loadWeights(
      model.layers,
      await readWeights(saved(name), model.layers, { withoutTop: !includeTop }),
    );
    expect(tf.memory().numTensors).toBe(before);
    const values = tf.tidy(() => {
      const input = tf.tensor4d(signedValues('input', 6 * 6 * 3), [1, 6, 6, 3]);
      return (model.predict(input) as tf.Tensor).dataSync();
    });
    const expected = includeTop ? outputs.full : outputs.notop;
    expect(values).toHaveLength(expected.length);
    for (const [index, value] of values.entries())
      expect(value).toBeCloseTo(expected[index] ?? 0, 5);
  },
);

test('reads every number exactly', async () => {
  const model = buildRoundTripNetwork();
  for (const name of ['full.h5', 'full.weights.h5', 'model.keras']) {
    const tensors = await readWeights(saved(name), model.layers);
    expect(tensors.size).toBe(19);
    for (const [weight, { shape, values }] of tensors) {
      expect(values, `${name} ${weight}`).toEqual(weightValues(weight, shape, 6));
    }
  }
});

test.each(['full.h5', 'full.weights.h5'])(
  'pairs the layers of %s by order where names differ',
  async (name) => {
    const { layers } = buildRoundTripNetwork({ last: 'conv2d_9' });
    const tensors = await readWeights(saved(name), layers);
    expect(tensors.get('conv2d_9/kernel')?.values).toEqual(
      weightValues('conv2d_1/kernel', [1, 1, 5, 4], 6),
    );
  },
);

describe('names what does not fit', () => {
  test.each<[string, string, Parameters<typeof buildRoundTripNetwork>[0], RegExp]>([
    ['an extra layer', 'full.h5', { includeTop: true, extra: true }, /lacks the layer conv2d_2\.$/],
    [
      'a missing layer',
      'model.keras',
      { extra: true },
      /^The weights lack the tensor conv2d_2\/kernel: /,
    ],
    ['the lack of a top', 'notop.h5', {}, /lacks the layer predictions\.$/],
    ['other classes', 'full.h5', { units: 4 }, /tensor predictions\/kernel with shape \[4,4\]/],
    [
      'other classes',
      'full.weights.h5',
      { units: 4 },
      /tensor predictions\/kernel with shape \[4,4\], but the weights have \[4,3\]/,
    ],
    [
      'another width',
      'model.h5',
      { separable: 6 },
      /tensor separable_conv2d\/pointwise_kernel with shape \[1,1,4,6\]/,
    ],
  ])('%s of the network (%s)', async (_, name, options, message) => {
    await expect(load(saved(name), options)).rejects.toMatchObject({
      code: 'weights_invalid',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['full.h5', /has a layer predictions that the network lacks/],
    ['full.weights.h5', /have a layer dense that the network lacks/],
  ])('a layer of %s that the network lacks', async (name, message) => {
    const { layers } = buildRoundTripNetwork({ includeTop: false });
    await expect(readWeights(saved(name), layers)).rejects.toMatchObject({
      code: 'weights_invalid',
      message: expect.stringMatching(message),
    });
  });
});

test('passes over the classifier of a safetensors file too', async () => {
  const model = buildRoundTripNetwork();
  const path = join(folder, 'keras-names.safetensors');
  await writeSafetensors(path, {
    metadata: {},
    tensors: await readWeights(saved('full.h5'), model.layers),
  });
  expect(await readWeights(path, model.layers)).toHaveProperty('size', 19);
  const trunk = await readWeights(path, model.layers, { withoutTop: true });
  expect([...trunk.keys()].filter((name) => name.startsWith('predictions'))).toEqual([]);
  expect(trunk.size).toBe(17);
});

test.each(['full.h5', 'full.weights.h5', 'model.keras'])('refuses %s cut short', async (name) => {
  const file = await readFile(saved(name));
  const path = join(folder, name);
  await writeFile(path, file.subarray(0, file.length / 2));
  await expect(load(path)).rejects.toMatchObject({
    code: 'weights_invalid',
    message: expect.stringContaining(path),
  });
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith('graft-weights-'));
  expect(left).toEqual([]);
});

test.each<[string, string | Uint8Array]>([
  ['an empty file', ''],
  ['a text', 'Not a weights file at all'],
  ['an HDF5 file of something else', Buffer.from('89484446 0d0a1a0a'.replace(' ', ''), 'hex')],
  ['a zip archive of something else', Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex')],
])('refuses %s, naming the path', async (_, content) => {
  const path = join(folder, 'other');
  await writeFile(path, content);
  await expect(load(path)).rejects.toMatchObject({
    code: 'weights_invalid',
    message: expect.stringContaining(path),
  });
});

test('names the path of a file that is not there', async () => {
  const path = join(folder, 'missing.h5');
  await expect(load(path)).rejects.toMatchObject({
    code: 'weights_invalid',
    message: `Expected weights of Keras (.h5, .weights.h5, .keras) or safetensors at ${path}, but there is no such file.`,
  });
});
