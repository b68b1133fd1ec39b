import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { modelCard } from 'shared/contract/model-card';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import sharp from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { writeModelDirectory } from 'trainer/export/write-model-directory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import card from '../../shared/fixtures/model-card.json' with { type: 'json' };
import {
  buildEveryOperation,
  EVERY_OPERATION_CLASSES,
  EVERY_OPERATION_SIZE,
} from '../test/every-operation.ts';
import { makeFolder, type Served, serve } from './serve.ts';

// The bundle has only a part of tfjs; the whole of tfjs must agree with it.

// So small that the decoder does not reduce it.
const photo = await sharp(
  fileURLToPath(new URL('../../shared/fixtures/chelsea-224.png', import.meta.url)),
)
  .resize(EVERY_OPERATION_SIZE)
  .png()
  .toBuffer();
const model = buildEveryOperation();
const labels = Array.from({ length: EVERY_OPERATION_CLASSES }, (_, i) => ({ name: `class ${i}` }));
const spec = { ...modelCard.parse(card).preprocess, size: EVERY_OPERATION_SIZE };
let served: Served;

beforeAll(async () => {
  const folder = await makeFolder();
  await writeModelDirectory(join(folder, 'public/models/every-operation'), model, {
    ...modelCard.parse(card),
    id: 'every-operation',
    labels,
    preprocess: spec,
    quantization: { scheme: 'uint8-per-channel' },
  });
  served = await serve(folder, [photo]);
});

afterAll(() => served?.close());

test('every operation of the exporter runs in the bundled Worker as in stock tfjs', async () => {
  const { predictions } = await served.classify(0);
  await startBackend('cpu', () => {});
  const graph = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology: model.topology,
      weightSpecs: [...model.weightSpecs],
      weightData: model.weightData.buffer,
    }),
  );
  const { data, info } = await sharp(photo)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const image = { width: info.width, height: info.height, channels: 3, data } as const;
  const size = EVERY_OPERATION_SIZE;
  const expected = tf.tidy(() =>
    (
      graph.predict(tf.tensor4d(preprocess(image, spec), [1, size, size, 3])) as tf.Tensor
    ).dataSync(),
  );
  graph.dispose();
  expect(predictions).toHaveLength(EVERY_OPERATION_CLASSES);
  for (const { index, probability } of predictions) {
    expect(probability).toBeCloseTo(expected[index] as number, 4);
  }
});
