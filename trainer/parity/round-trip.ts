import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { buildBackbone } from '../src/backbones/registry.ts';
import { startBackend } from '../src/backends/start-backend.ts';
import type { BackboneName } from '../src/config/backbone-names.ts';
import { writeKerasH5 } from '../src/weights/keras/write-keras-h5.ts';
import { readWeights } from '../src/weights/read-weights.ts';
import { weightValues } from './formula.ts';

/**
 * Reads a network that Keras saved with the formula's weights.
 *
 * @param save has Keras save it in a folder, in each format
 * @returns a line for each weight that is not what Keras was given, bit for bit
 */
export async function checkRoundTrip(
  name: BackboneName,
  save: (folder: string) => Promise<void>,
): Promise<string[]> {
  await startBackend('cpu', () => {});
  const { gain } = await readGolden(name);
  const model = buildBackbone(name, { initialize: false });
  const folder = await mkdtemp(join(tmpdir(), 'graft-round-trip-'));
  try {
    await save(folder);
    const found: string[] = [];
    for (const file of ['full.h5', 'full.weights.h5', 'model.h5', 'model.keras']) {
      const tensors = await readWeights(join(folder, file), model.layers);
      for (const [weight, { shape, values }] of tensors) {
        // Keras was not given these weights and keeps its own.
        if (weight.startsWith('normalization/')) continue;
        const expected = weightValues(weight, shape, gain);
        if (expected.some((value, index) => value !== values[index])) {
          found.push(`${file}: ${weight} differs`);
        }
      }
      const weights = model.layers.flatMap((layer) => layer.weights);
      if (tensors.size !== weights.length) found.push(`${file}: ${tensors.size} tensors`);
    }
    return found;
  } finally {
    model.dispose();
    await rm(folder, { recursive: true });
  }
}

/**
 * Writes a network with the formula's weights, as Keras does.
 *
 * @param load has Keras load `ours.weights.h5` from a folder, and tells what it finds
 * @returns a line for each weight that Keras has read otherwise
 */
export async function checkWritten(
  name: BackboneName,
  load: (folder: string) => Promise<string>,
): Promise<string[]> {
  await startBackend('cpu', () => {});
  const { gain, size } = await readGolden(name);
  const model = buildBackbone(name, { size, initialize: false });
  const folder = await mkdtemp(join(tmpdir(), 'graft-written-'));
  try {
    for (const layer of model.layers) {
      if (layer.getClassName() === 'Normalization') continue;
      tf.tidy(() =>
        layer.setWeights(
          layer.weights.map(({ originalName, shape }) =>
            tf.tensor(weightValues(originalName, shape as number[], gain), shape as number[]),
          ),
        ),
      );
    }
    await writeKerasH5(join(folder, 'ours.weights.h5'), model);
    return (await load(folder)).split('\n').filter((line) => line.startsWith('differs: '));
  } finally {
    model.dispose();
    await rm(folder, { recursive: true });
  }
}

async function readGolden(name: BackboneName): Promise<{ gain: number; size: number }> {
  return JSON.parse(await readFile(new URL(`golden/${name}.json`, import.meta.url), 'utf8'));
}
