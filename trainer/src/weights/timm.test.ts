import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { signedValues } from '../../parity/formula.ts';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { loadWeights } from './load-weights.ts';
import { readWeights } from './read-weights.ts';
import { writeSafetensors } from './safetensors/safetensors.ts';
import { fromTimm } from './timm.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** Input and output channels, kernel size and expansion of each block of B0 and Lite0, by stage. */
const STAGES = [
  [[32, 16, 3, 1]],
  [
    [16, 24, 3, 6],
    [24, 24, 3, 6],
  ],
  [
    [24, 40, 5, 6],
    [40, 40, 5, 6],
  ],
  [
    [40, 80, 3, 6],
    [80, 80, 3, 6],
    [80, 80, 3, 6],
  ],
  [
    [80, 112, 5, 6],
    [112, 112, 5, 6],
    [112, 112, 5, 6],
  ],
  [
    [112, 192, 5, 6],
    [192, 192, 5, 6],
    [192, 192, 5, 6],
    [192, 192, 5, 6],
  ],
  [[192, 320, 3, 6]],
] as const;

/**
 * A state dict as timm has it (timm/models/efficientnet.py, _efficientnet_blocks.py), with numbers
 * from the formula.
 */
function timmTensors({ lite }: { lite: boolean }): Map<string, NamedTensor> {
  const tensors = new Map<string, NamedTensor>();
  const add = (name: string, shape: number[]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    tensors.set(name, { shape, values: signedValues(name, count) });
  };
  const addNorm = (name: string, channels: number) => {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) {
      add(`${name}.${part}`, [channels]);
    }
    add(`${name}.num_batches_tracked`, []);
  };
  add('conv_stem.weight', [32, 3, 3, 3]);
  addNorm('bn1', 32);
  for (const [stage, blocks] of STAGES.entries()) {
    for (const [number, [input, output, size, expansion]] of blocks.entries()) {
      const block = `blocks.${stage}.${number}`;
      const wide = input * expansion;
      const names = expansion === 1 ? ['bn1', 'conv_pw', 'bn2'] : ['bn2', 'conv_pwl', 'bn3'];
      if (expansion !== 1) {
        add(`${block}.conv_pw.weight`, [wide, input, 1, 1]);
        addNorm(`${block}.bn1`, wide);
      }
      add(`${block}.conv_dw.weight`, [wide, 1, size, size]);
      addNorm(`${block}.${names[0]}`, wide);
      if (!lite) {
        add(`${block}.se.conv_reduce.weight`, [input / 4, wide, 1, 1]);
        add(`${block}.se.conv_reduce.bias`, [input / 4]);
        add(`${block}.se.conv_expand.weight`, [wide, input / 4, 1, 1]);
        add(`${block}.se.conv_expand.bias`, [wide]);
      }
      add(`${block}.${names[1]}.weight`, [output, wide, 1, 1]);
      addNorm(`${block}.${names[2]}`, output);
    }
  }
  add('conv_head.weight', [1280, 320, 1, 1]);
  addNorm('bn2', 1280);
  add('classifier.weight', [1000, 1280]);
  add('classifier.bias', [1000]);
  return tensors;
}

function at({ shape, values }: NamedTensor, ...position: number[]): number | undefined {
  return values[position.reduce((index, p, axis) => index * (shape[axis] ?? 1) + p, 0)];
}

test.each([
  ['efficientnetb0', false, 360],
  ['efficientnet-lite0', true, 296],
] as const)('gives %s the names and the layout of Keras', async (name, lite, count) => {
  const tensors = timmTensors({ lite });
  expect(tensors.size).toBe(count);
  const model = buildBackbone(name, { initialize: false });
  const before = tf.memory().numTensors;
  const named = fromTimm(tensors, model.layers, false);
  loadWeights(model.layers, named);
  expect(tf.memory().numTensors).toBe(before);

  const [stem, stemHere] = [tensors.get('conv_stem.weight'), named.get('stem_conv/kernel')];
  expect(at(stemHere as NamedTensor, 1, 2, 0, 31)).toBe(at(stem as NamedTensor, 31, 0, 1, 2));
  const depthwise = tensors.get('blocks.2.1.conv_dw.weight') as NamedTensor;
  const depthwiseHere = named.get('block3b_dwconv/depthwise_kernel') as NamedTensor;
  expect(depthwiseHere.shape).toEqual([5, 5, 240, 1]);
  expect(at(depthwiseHere, 3, 4, 100, 0)).toBe(at(depthwise, 100, 0, 3, 4));
  const classifier = tensors.get('classifier.weight') as NamedTensor;
  expect(at(named.get('predictions/kernel') as NamedTensor, 7, 8)).toBe(at(classifier, 8, 7));

  const pairs = {
    'stem_bn/gamma': 'bn1.weight',
    'block1a_bn/beta': 'blocks.0.0.bn1.bias',
    'block1a_project_bn/moving_mean': 'blocks.0.0.bn2.running_mean',
    'block4c_expand_bn/moving_variance': 'blocks.3.2.bn1.running_var',
    'block4c_bn/gamma': 'blocks.3.2.bn2.weight',
    'block4c_project_bn/gamma': 'blocks.3.2.bn3.weight',
    'top_bn/gamma': 'bn2.weight',
    'predictions/bias': 'classifier.bias',
    ...(!lite && { 'block7a_se_reduce/bias': 'blocks.6.0.se.conv_reduce.bias' }),
  };
  for (const [here, there] of Object.entries(pairs)) {
    expect(named.get(here)?.values, here).toEqual(tensors.get(there)?.values);
  }
});

test('is told by its names, and its classifier is passed over for a trunk', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'model.safetensors');
  await writeSafetensors(path, { metadata: {}, tensors: timmTensors({ lite: true }) });
  const trunk = buildBackbone('efficientnet-lite0', { includeTop: false, initialize: false });
  const tensors = await readWeights(path, trunk.layers, { withoutTop: true });
  loadWeights(trunk.layers, tensors);
});

test('names a tensor that is missing or extra', () => {
  const { layers } = buildBackbone('efficientnet-lite0', { initialize: false });
  const tensors = timmTensors({ lite: true });
  tensors.delete('blocks.1.1.bn2.running_var');
  expect(() => fromTimm(tensors, layers, false)).toThrow(
    "The weights lack the tensor blocks.1.1.bn2.running_var, timm's name for block2b_bn/moving_variance: they belong to another network.",
  );
  expect(() => fromTimm(timmTensors({ lite: false }), layers, false)).toThrow(
    'The weights have a tensor blocks.0.0.se.conv_reduce.weight that the network lacks: they belong to another network.',
  );
});
