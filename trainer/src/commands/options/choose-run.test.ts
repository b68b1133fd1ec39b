import { expect, test } from 'vitest';
import { configs } from '../../config/registry.ts';
import { chooseRun } from './choose-run.ts';

type RunCall = Parameters<typeof chooseRun>[0];

async function stage2Of(values: Partial<RunCall['values']>, fields: RunCall['fields'] = {}) {
  const { config } = await chooseRun({ values: values as RunCall['values'], fields });
  const { labelSmoothing, peakLearningRate } = config.stage2;
  return [config.name, labelSmoothing, peakLearningRate];
}

test('several labels have a recipe of their own, but for what is asked', async () => {
  const several = { data: 'photos', labels: 'photos/labels.csv' };
  expect(await stage2Of({ data: 'photos' })).toEqual(['photos', 0.1, 5e-4]);
  expect(await stage2Of(several)).toEqual(['photos', 0, 1e-3]);
  expect(await stage2Of({ ...several, config: 'fast' })).toEqual(['fast', 0, 2e-4]);
  const asked = { 'stage2.labelSmoothing': '0.2', 'stage2.peakLearningRate': '3e-4' };
  expect(await stage2Of(several, asked)).toEqual(['photos', 0.2, 3e-4]);
});

test('thaws the layers that a recipe freezes for another network, but for what is asked', async () => {
  const freezeOf = async (fields: RunCall['fields']) => {
    const { config } = await chooseRun({ values: {} as RunCall['values'], fields });
    return config.freeze;
  };
  expect(await freezeOf({})).toBe(configs['fast']?.freeze);
  expect(configs['fast']?.freeze).not.toBe(0);
  expect(await freezeOf({ size: '64', backbone: 'efficientnet-lite0' })).toBe(
    configs['fast']?.freeze,
  );
  expect(await freezeOf({ backbone: 'resnet50' })).toBe(0);
  expect(await freezeOf({ weights: 'none' })).toBe(0);
  expect(await freezeOf({ backbone: 'resnet50', freeze: 'conv1*' })).toBe('conv1*');
});
