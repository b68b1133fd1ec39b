import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { mountSmallDisk } from '../../fixtures/small-disk.ts';
import {
  HALF,
  interruptedAt,
  newPlan,
  of,
  prepareSessions,
  rich,
  STEPS,
  stageOf,
  valuesOf,
} from '../../fixtures/training/tiny-session.ts';
import { startBackend } from '../backends/start-backend.ts';
import { TrainerError } from '../errors.ts';
import { cutPlan, type Plan, parametersOf } from '../plan/plan.ts';
import type { Checkpoint } from '../runs/checkpoint.ts';
import { Session } from './session.ts';
import type { Stage } from './stage.ts';

const { checkpoint, epochsLogged, pathOf, runIn } = prepareSessions();

/** Everything except for the time. */
function withoutSeconds({ header, tensors }: Checkpoint): unknown {
  return { ...header, seconds: undefined, tensors };
}

test.each([1, STEPS - 1, STEPS, STEPS + 2, 3 * STEPS])(
  'stopped after step %i and resumed, it equals an uninterrupted run to the bit',
  async (step) => {
    const steady = newPlan();
    await (await Session.start(runIn(), steady, of)).run(stageOf(steady, rich));
    const expected = withoutSeconds(await checkpoint());

    const stopped = newPlan();
    const controller = new AbortController();
    const session = await Session.start(runIn(controller.signal), stopped, of);
    const stage = stageOf(stopped, { ...rich, source: interruptedAt(step, controller) });
    await expect(session.run(stage)).rejects.toMatchObject({ code: 'interrupted' });
    expect((await checkpoint()).header.optimizerSteps).toBe(step);

    const resumed = newPlan();
    // Everything that the new network starts from must come from the checkpoint.
    for (const { value } of parametersOf(resumed)) value.assign(tf.zerosLike(value));
    await (await Session.resume(runIn(), resumed, of)).run(stageOf(resumed, rich));
    expect(valuesOf(resumed)).toEqual(valuesOf(steady));
    expect(withoutSeconds(await checkpoint())).toEqual(expected);
    expect((await readdir(pathOf())).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  },
);

test('stopped during validation, it resumes from the last checkpoint with the same result', async () => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));

  const stopped = newPlan();
  const validate = async () => {
    throw new TrainerError('interrupted', 'Stopped.');
  };
  const session = await Session.start(runIn(), stopped, of);
  await expect(session.run(stageOf(stopped, { validate }))).rejects.toThrow('Stopped.');

  const resumed = newPlan();
  await (await Session.resume(runIn(), resumed, of)).run(stageOf(resumed));
  expect(valuesOf(resumed)).toEqual(valuesOf(steady));
});

test('refuses to resume with other pretrained weights', async () => {
  const plan = newPlan();
  await Session.start(runIn(), plan, { ...of, weightsHash: 'these' });
  const others = Session.resume(runIn(), plan, { ...of, weightsHash: 'others' });
  await expect(others).rejects.toMatchObject({
    code: 'checkpoint_invalid',
    message: expect.stringContaining('has changed since the checkpoint'),
  });
  await Session.resume(runIn(), plan, { ...of, weightsHash: 'these' });
});

test('runs stage after stage, each with a new optimizer', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const { trunk, head } = cutPlan(plan, 'avg_pool');
  const trunkBefore = structuredClone(valuesOf(trunk));
  expect([session.isDone(1), session.isDone(2)]).toEqual([false, false]);
  await session.run(
    stageOf(head, {
      number: 1,
      source: memoryBatches(14, [4]),
      validate: async () => HALF,
    }),
  );
  session.stage1Accuracy = 0.5;
  await session.finish(1);
  expect(valuesOf(trunk)).toEqual(trunkBefore);

  const later = newPlan();
  const resumed = await Session.resume(runIn(), later, of);
  expect([resumed.isDone(1), resumed.isDone(2), resumed.stage1Accuracy]).toEqual([
    true,
    false,
    0.5,
  ]);
  expect(valuesOf(later)).toEqual(valuesOf(plan));
  await resumed.run(stageOf(later));
  expect((await checkpoint()).header.optimizerSteps).toBe(3 * STEPS);
  await resumed.finish(2);
  expect((await Session.resume(runIn(), newPlan(), of)).isDone(2)).toBe(true);
});

test('stopped in stage 1 and resumed, it continues into stage 2', async () => {
  const headStage = (plan: Plan, change: Partial<Stage> = {}) =>
    stageOf(cutPlan(plan, 'avg_pool').head, {
      number: 1,
      source: memoryBatches(14, [4]),
      validate: async () => HALF,
      ...change,
    });
  const stopped = newPlan();
  const controller = new AbortController();
  const session = await Session.start(runIn(controller.signal), stopped, of);
  const validate = async () => {
    controller.abort(new TrainerError('interrupted', 'Stopped.'));
    return HALF;
  };
  await expect(session.run(headStage(stopped, { validate }))).rejects.toThrow('Stopped.');

  const plan = newPlan();
  const resumed = await Session.resume(runIn(), plan, of);
  await resumed.run(headStage(plan));
  await resumed.finish(1);
  await resumed.run(stageOf(plan));
  expect((await checkpoint()).header).toMatchObject({ stage: 2, optimizerSteps: 3 * STEPS });
});

test('logs the mean loss of the whole epoch, also if it was stopped after its last step', async () => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));
  const expected = (await epochsLogged()).map(({ loss }) => loss);
  await rm(pathOf('log.jsonl'));

  const controller = new AbortController();
  const stopped = newPlan();
  const session = await Session.start(runIn(controller.signal), stopped, of);
  const stage = stageOf(stopped, { source: interruptedAt(STEPS, controller) });
  await expect(session.run(stage)).rejects.toThrow('Stopped.');
  const resumed = newPlan();
  await (await Session.resume(runIn(), resumed, of)).run(stageOf(resumed));
  expect((await epochsLogged()).map(({ loss }) => loss)).toEqual(expected);
});

test('counts the training time of all sessions', async () => {
  const plan = newPlan();
  await (await Session.start(runIn(), plan, of)).run(stageOf(plan));
  const { seconds } = (await checkpoint()).header;
  expect(seconds).toBeGreaterThan(0);
  const resumed = await Session.resume(runIn(), plan, of);
  expect(resumed.seconds).toBe(seconds);
  await resumed.finish(2);
  expect(resumed.seconds).toBeGreaterThan(seconds);
});

test('keeps the last checkpoint where the disk is full, and resumes from it once there is room', async ({
  skip,
}) => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));
  await rm(pathOf('log.jsonl'));
  await rm(pathOf('checkpoint.safetensors'));

  const unmount = await mountSmallDisk(pathOf(), 64);
  if (!unmount) return skip('Only root can mount a small disk.');
  try {
    const stopped = newPlan();
    const session = await Session.start(runIn(), stopped, of);
    const filler = pathOf('filler');
    const validate = async () => {
      await writeFile(filler, Buffer.alloc(65_536)).catch(() => {});
      return HALF;
    };
    await expect(session.run(stageOf(stopped, { validate }))).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(/^The disk is full: .* Free some space and run the same /),
    });
    expect((await checkpoint()).header.epoch).toBe(0);
    await rm(filler);
    const resumed = newPlan();
    await (await Session.resume(runIn(), resumed, of)).run(stageOf(resumed));
    expect(valuesOf(resumed)).toEqual(valuesOf(steady));
    expect((await readdir(pathOf())).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  } finally {
    await unmount();
  }
});

test('refuses to resume with another data set', async () => {
  await Session.start(runIn(), newPlan(), of);
  await expect(
    Session.resume(runIn(), newPlan(), { ...of, datasetHash: 'another' }),
  ).rejects.toMatchObject({
    code: 'checkpoint_invalid',
    message: expect.stringMatching(/^The data set has changed since .* without --resume\.$/),
  });
});

test('resumes on another backend with a note, and ends within rounding of the first', async () => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));
  const wanted = valuesOf(steady);
  const controller = new AbortController();
  const stopped = newPlan();
  const session = await Session.start(runIn(controller.signal), stopped, of);
  const stage = stageOf(stopped, { source: interruptedAt(STEPS + 2, controller) });
  await expect(session.run(stage)).rejects.toThrow('Stopped.');

  await startBackend('wasm', () => {});
  try {
    const said: string[] = [];
    const plan = newPlan();
    const run = { ...runIn(), say: (line: string) => said.push(line) };
    const resumed = await Session.resume(run, plan, { ...of, backend: 'wasm' });
    expect(said).toEqual([
      'This run started on the backend cpu and continues on wasm: it will train as well, but not reproduce the same numbers.',
    ]);
    await resumed.run(stageOf(plan));
    expect((await checkpoint()).header.backend).toBe('wasm');
    const found = valuesOf(plan);
    for (const [name, values] of Object.entries(wanted)) {
      const errors = values.map((value, i) => Math.abs(value - (found[name]?.[i] as number)));
      expect(Math.max(...errors), name).toBeLessThan(1e-4);
    }
  } finally {
    await startBackend('cpu', () => {});
  }
});

test('refuses to resume from a damaged checkpoint', async () => {
  await Session.start(runIn(), newPlan(), of);
  const path = pathOf('checkpoint.safetensors');
  const file = await readFile(path);
  await writeFile(path, file.subarray(0, file.length / 2));
  await expect(Session.resume(runIn(), newPlan(), of)).rejects.toMatchObject({
    code: 'checkpoint_invalid',
    message: expect.stringContaining(path),
  });
});

test('refuses to resume with another network', async () => {
  const { trunk } = cutPlan(newPlan(), 'avg_pool');
  await (await Session.start(runIn(), trunk, of)).finish(1);
  const plan = newPlan();
  await expect(Session.resume(runIn(), plan, of)).rejects.toMatchObject({
    code: 'checkpoint_invalid',
    message: expect.stringContaining('parameters/predictions/kernel with shape [4,3]'),
  });
});
