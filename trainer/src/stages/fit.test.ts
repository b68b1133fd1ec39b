import { beforeAll, expect, test } from 'vitest';
import { memoryExamples } from '../../fixtures/memory-examples.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { smoke } from '../config/smoke.ts';
import { fusePlan } from '../plan/fuse.ts';
import { parametersOf } from '../plan/plan.ts';
import { startBackend } from '../runtime/start-backend.ts';
import { fit } from './fit.ts';
import { Optimizer } from './optimizer.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

// A bar that is left running hides the cursor and keeps the process alive.
test('takes the progress bar away where it is stopped', async () => {
  const plan = fusePlan(buildTinyNetwork());
  let running = 0;
  const fitting = fit({
    plan,
    examples: memoryExamples(4, [TINY_SIZE, TINY_SIZE, 3]),
    classes: 3,
    config: { ...smoke.stage2, batchSize: 2 },
    optimizer: new Optimizer(parametersOf(plan), smoke.stage2),
    seed: 'a',
    epoch: 0,
    step: 0,
    lossSum: 0,
    startProgress: () => {
      running += 1;
      return {
        advance: () => {},
        stop: () => {
          running -= 1;
        },
      };
    },
    onStep: async () => {
      throw new Error('Stopped.');
    },
    onEpoch: async () => {},
  });
  await expect(fitting).rejects.toThrow('Stopped.');
  expect(running).toBe(0);
});
