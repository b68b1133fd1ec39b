import { beforeAll, expect, test } from 'vitest';
import { backbones, buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { gigaflops } from './cost.ts';
import { fusePlan } from './fuse.ts';
import { disposePlan } from './plan.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/**
 * Twice the multiply-adds that the articles give: Tan & Le 2019, Table 2 (0.39); Sandler et al.
 * 2018, Table 4 (0.30); He et al. 2016, Table 1 (3.8, without the shortcuts' 0.1); Zoph et al.
 * 2018, Table 3 (0.564).
 */
test.each<[BackboneName, number]>([
  ['efficientnetb0', 0.78],
  ['mobilenetv2', 0.6],
  ['resnet50', 7.7],
  ['nasnetmobile', 1.13],
])('counts about the published cost of %s', (name, published) => {
  const model = buildBackbone(name, { initialize: false });
  const plan = fusePlan(model);
  model.dispose();
  const ratio = gigaflops(plan, backbones[name].size) / published;
  disposePlan(plan);
  expect(ratio).toBeGreaterThan(0.95);
  expect(ratio).toBeLessThan(1.05);
});
