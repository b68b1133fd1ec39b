import { beforeAll, expect, test } from 'vitest';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { freezeLayers } from './edit-model.ts';
import { summarize } from './summarize.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

test("prints Keras' rows and totals", () => {
  const lines = summarize(buildBackbone('lenet5', { classes: 10 })).split('\n');
  expect(lines.slice(0, 3)).toEqual([
    '   Layer (type)              Output Shape        Param #',
    '0  input_layer (InputLayer)  (None, 32, 32, 3)         0',
    '1  c1 (Conv2D)               (None, 28, 28, 6)       456',
  ]);
  expect(lines.slice(-3)).toEqual([
    'Total params: 62,006 (0.24 MB)',
    'Trainable params: 62,006',
    'Non-trainable params: 0',
  ]);
});

test('counts 2,560 trainable in EfficientNet-B0 with its last two layers free', () => {
  const model = buildBackbone('efficientnetb0', { includeTop: false, initialize: false });
  freezeLayers(model, -2);
  expect(summarize(model).split('\n').slice(-3)).toEqual([
    'Total params: 4,049,571 (15.45 MB)',
    'Trainable params: 2,560',
    'Non-trainable params: 4,047,011',
  ]);
});
