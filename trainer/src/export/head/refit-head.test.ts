import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_PREPROCESS, TINY_SIZE } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { createRandom } from '../../config/random.ts';
import type { ImageSet } from '../../datasets/dataset.ts';
import { whole } from '../../datasets/split.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan, type Plan } from '../../plan/plan.ts';
import { startRows } from '../feature-rows.ts';
import type { GraphModel } from '../graph-builder.ts';
import { toGraphModel } from '../graph-model.ts';
import { cutGraph, headOf } from '../known-score.ts';
import { readHead, withHead } from './head.ts';
import { refitHead } from './refit-head.ts';

let plan: Plan;
beforeAll(async () => {
  await startBackend('wasm', () => {});
  plan = fusePlan(buildTinyNetwork());
  return () => disposePlan(plan);
});

const { signal } = new AbortController();

/** Images of noise about one grey, which differ as little as photos of one material. */
function alike(count: number, seed: number): ImageSet {
  const random = createRandom(seed);
  const side = TINY_SIZE;
  const images = Array.from({ length: count }, () =>
    Uint8ClampedArray.from({ length: 3 * side * side }, () => 120 + 60 * random.float()),
  );
  return {
    length: count,
    label: () => 0,
    image: async (index) => ({
      ...{ width: side, height: side, channels: 3 },
      data: images[index] as Uint8ClampedArray<ArrayBuffer>,
    }),
  };
}

async function logitsOf(model: GraphModel, images: ImageSet, arithmetic: 'int8' | 'float32') {
  const { logits } = headOf(model);
  const rowsOf = await startRows(cutGraph(model, logits), {
    preprocess: TINY_PREPROCESS,
    arithmetic,
    signal,
  });
  const { values } = await rowsOf('Logits', whole(images));
  rowsOf.dispose();
  return tf.tensor1d(values);
}

test.each(['int8', 'float32'] as const)(
  'brings logits computed in %s nearer to float32 on other images',
  async (arithmetic) => {
    const model = await toGraphModel(plan, TINY_SIZE, 'uint8');
    const exact = await toGraphModel(plan, TINY_SIZE, 'float32');
    const refitted = await refitHead(model, exact, {
      ...{ preprocess: TINY_PREPROCESS, arithmetic, signal },
      ...{ train: whole(alike(200, 1)), seed: 1 },
    });
    const others = alike(50, 2);
    const wanted = await logitsOf(exact, others, 'float32');
    const errorOf = async (graph: GraphModel) =>
      (await logitsOf(graph, others, arithmetic))
        .sub(wanted)
        .square()
        .mean()
        .dataSync()[0] as number;
    expect(await errorOf(refitted)).toBeLessThan((await errorOf(model)) / 2);
  },
);

test('leaves a head that lacks nothing as it is', async () => {
  const exact = await toGraphModel(plan, TINY_SIZE, 'float32');
  const refitted = await refitHead(exact, exact, {
    ...{ preprocess: TINY_PREPROCESS, arithmetic: 'float32' as const, signal },
    ...{ train: whole(alike(20, 1)), seed: 1 },
  });
  const [before, after] = [readHead(exact), readHead(refitted)];
  expect(after.channels).toBe(before.channels);
  for (const part of ['kernel', 'bias'] as const) {
    expect(after[part]).toHaveLength(before[part].length);
    for (const [at, value] of after[part].entries())
      expect(value).toBeCloseTo(before[part][at] as number, 4);
  }
});

test('keeps the format of the kernel', async () => {
  const model = await toGraphModel(plan, TINY_SIZE, 'uint8');
  const head = readHead(model);
  const same = withHead(model, head);
  expect(same.weightData.length).toBe(model.weightData.length);
  expect(readHead(same).kernel).toEqual(head.kernel);
});
