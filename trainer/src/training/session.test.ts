import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { mountSmallDisk } from '../../fixtures/small-disk.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import type { BatchSource } from '../data/batches.ts';
import { TrainerError } from '../errors.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import { validationOf } from '../evaluation/label-metrics.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan, type Plan, parametersOf } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { type Checkpoint, loadCheckpoint } from '../runs/checkpoint.ts';
import { epochsOf, readRunLog } from '../runs/run-log.ts';
import { Session } from './session.ts';
import type { Stage } from './stage.ts';

const shape = [TINY_SIZE, TINY_SIZE, 3];
const source = memoryBatches(14, shape);
const validation = memoryBatches(12, shape, { seed: 2 });
/** Steps per epoch: 14 examples in batches of 4. */
const STEPS = 4;
const config = { ...smoke.stage2, epochs: 3, batchSize: 4, peakLearningRate: 0.02 };
/** A stage with every option of a step. */
const rich: Partial<Stage> = {
  config: {
    ...config,
    optimizer: 'adamw',
    weightDecay: 0.1,
    ema: 0.8,
    labelSmoothing: 0.1,
  },
};
/** Metrics by which no epoch is better than another. */
const HALF = { accuracy: 0.5, logLoss: 1 };
const never = new AbortController().signal;
const progress = { advance: () => {}, stop: () => {} };

let directory: string;
const of = { config: smoke, data: null, datasetHash: 'hash', backend: 'cpu' };

beforeAll(async () => {
  await startBackend('cpu', () => {});
});
beforeEach(async () => {
  directory = await temporaryFolder();
});
afterEach(async () => {
  tf.disposeVariables();
});

const newPlan = () => fusePlan(buildTinyNetwork({ dropout: 0.25 }));
const runIn = (signal: AbortSignal = never) => ({
  ...{ directory, signal, say: () => {} },
  checkpointEveryMs: 0,
});
const checkpoint = () => loadCheckpoint(join(directory, 'checkpoint.safetensors'));

function stageOf(plan: Plan, change: Partial<Stage> = {}): Stage {
  return {
    number: 2,
    title: 'Stage 2',
    config,
    plan,
    source,
    classes: 3,
    validate: async () =>
      validationOf(
        await evaluate((inputs) => runPlan(plan, inputs), validation, {
          progress,
          signal: never,
          batchSize: 5,
        }),
      ),
    ...change,
  };
}

function valuesOf(plan: Plan): Record<string, Float32Array> {
  const values = parametersOf(plan).map(({ name, value }) => [name, value.dataSync<'float32'>()]);
  return Object.fromEntries(values);
}

/** Everything except for the time. */
function withoutSeconds({ header, tensors }: Checkpoint): unknown {
  return { ...header, seconds: undefined, tensors };
}

const range = (first: number, end: number, step: number) =>
  Array.from({ length: Math.ceil((end - first) / step) }, (_, index) => first + index * step);

async function epochsLogged() {
  return epochsOf(await readRunLog(directory));
}

/** Aborts the signal while the batch of a step, counted from 1, is read. */
function interruptedAt(step: number, controller: AbortController): BatchSource {
  let steps = 0;
  return {
    ...source,
    inputs(indices, random) {
      steps += 1;
      if (steps === step) controller.abort(new TrainerError('interrupted', 'Stopped.'));
      return source.inputs(indices, random);
    },
  };
}

test('trains, and logs each epoch', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const before = tf.memory().numTensors;
  await session.run(stageOf(plan));
  expect(tf.memory().numTensors).toBe(before);
  const epochs = await epochsLogged();
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  expect(epochs[2]?.loss).toBeLessThan(0.8 * (epochs[0]?.loss as number));
  // A third would be chance.
  expect(epochs[2]?.validation.accuracy).toBeGreaterThan(0.5);
});

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
    expect((await readdir(directory)).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  },
);

test('validates some of many short epochs, and the last', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const few = memoryBatches(2, shape);
  await session.run(stageOf(plan, { source: few, config: { ...config, epochs: 59 } }));
  const epochs = await epochsLogged();
  expect(epochs.map(({ epoch }) => epoch)).toEqual([...range(3, 58, 3), 59]);
});

test('keeps the last weights where nothing validates, and logs no validation', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { validate: undefined }));
  const { header, tensors } = await checkpoint();
  expect(header.best?.epoch).toBe(config.epochs);
  expect(tensors.get('best/predictions/bias')?.values).toEqual(valuesOf(plan)['predictions/bias']);
  expect(await epochsLogged()).toEqual([]);
});

test('ends early with the best weights so far, where it is told that these are enough', async () => {
  const enough = new AbortController();
  const plan = newPlan();
  const session = await Session.start({ ...runIn(), enough: enough.signal }, plan, of);
  let steps = 0;
  const counted: BatchSource = {
    ...source,
    inputs(indices, random) {
      steps += 1;
      if (steps === STEPS + 1) enough.abort();
      return source.inputs(indices, random);
    },
  };
  await session.run(stageOf(plan, { source: counted }));
  expect(steps).toBe(STEPS + 1);
  const epochs = await epochsLogged();
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  const best = Math.max(...epochs.map(({ validation }) => validation.accuracy));
  expect((await checkpoint()).header.best?.accuracy).toBe(best);
});

test('writes no checkpoint before one is due', async () => {
  const plan = newPlan();
  const session = await Session.start({ ...runIn(), checkpointEveryMs: 1e9 }, plan, of);
  await session.run(stageOf(plan, { number: 1 }));
  await session.finish(1);
  expect(session.isDone(1)).toBe(true);
  await session.run(stageOf(plan));
  expect((await checkpoint()).header).toMatchObject({ stage: 1, epoch: 0 });
  await session.finish(2);
  expect((await checkpoint()).header.stage).toBe(3);
});

test('uses the same memory after each epoch', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const memory: unknown[] = [];
  const { validate } = stageOf(plan);
  const measuring = async () => {
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    memory.push({ numTensors, numBytes, numDataBuffers });
    return validate?.() ?? HALF;
  };
  await session.run(
    stageOf(plan, {
      ...rich,
      config: { ...config, ...rich.config, epochs: 5 },
      validate: measuring,
    }),
  );
  expect(memory).toHaveLength(5);
  expect(memory).toEqual(Array(5).fill(memory[0]));
});

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

test('keeps the weights of the best epoch; ties are decided by loss, then by the earlier epoch', async () => {
  const plan = newPlan();
  const accuracies = [0.5, 0.9, 0.9, 0.9, 0.9, 0.7];
  const losses = [1, 2, 1, 1, 3, 0];
  const seen: Record<string, Float32Array>[] = [];
  const validate = async () => {
    // Copies, since dataSync may return the tensor's own memory.
    seen.push(structuredClone(valuesOf(plan)));
    const [accuracy, logLoss] = [accuracies, losses].map((list) => list[seen.length - 1] as number);
    return { accuracy: accuracy as number, logLoss: logLoss as number };
  };
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { validate, config: { ...config, epochs: 6 } }));
  expect((await checkpoint()).header.best).toEqual({ epoch: 3, accuracy: 0.9, logLoss: 1 });
  expect(valuesOf(plan)).toEqual(seen[2]);
  expect(seen[2]).not.toEqual(seen[3]);
});

test('keeps the weights of stage 1 where stage 2 does not improve, also after a resume', async () => {
  const plan = newPlan();
  const lines: string[] = [];
  const run = { ...runIn(), say: (line: string) => void lines.push(line) };
  const validating = (accuracy: number) => ({
    validate: async () => ({ accuracy, logLoss: 1 }),
  });
  const session = await Session.start(run, plan, of);
  await session.run(stageOf(plan, { number: 1, ...validating(0.8) }));
  await session.finish(1);
  const before = structuredClone(valuesOf(plan));
  const { signal, stopAfter } = stopping();
  const stopped = stageOf(plan, { ...validating(0.7), sizeIn: stopAfter(STEPS + 1) });
  await expect((await Session.resume(runIn(signal), plan, of)).run(stopped)).rejects.toThrow();
  expect(valuesOf(plan)).not.toEqual(before);
  await (await Session.resume(run, plan, of)).run(stageOf(plan, validating(0.7)));
  expect(valuesOf(plan)).toEqual(before);
  expect(lines.at(-1)).toBe('Stage 2: validation did not improve; keeping the previous weights.');
});

test('trains stage 2 again where it does not improve, also after a resume', async () => {
  const lines: string[] = [];
  const run = { ...runIn(), say: (line: string) => void lines.push(line) };
  const validating = (accuracy: number) => ({
    validate: async () => ({ accuracy, logLoss: 1 }),
  });
  const gentler = { ...validating(0.9), config: { ...config, peakLearningRate: 0.002 } };
  const afterStage1 = async (plan: Plan) => {
    const session = await Session.start(run, plan, of);
    await session.run(stageOf(plan, { number: 1, ...validating(0.8) }));
    await session.finish(1);
    return session;
  };
  const expected = newPlan();
  await (await afterStage1(expected)).run(stageOf(expected, gentler));

  const plan = newPlan();
  await afterStage1(plan);
  const { signal, stopAfter } = stopping();
  let validations = 0;
  // Worse than stage 1 by more than chance, it ends in its middle, after two of three epochs.
  const validate = async () => {
    validations += 1;
    return { accuracy: 0.5, logLoss: 1 };
  };
  const failing = stageOf(plan, { validate, validationImages: 100 });
  const stopped = stageOf(plan, { ...gentler, sizeIn: stopAfter(STEPS + 1) });
  const stoppable = await Session.resume(runIn(signal), plan, of);
  await expect(stoppable.run(failing, stopped)).rejects.toThrow('Stopped.');
  expect(validations).toBe(2);
  expect((await checkpoint()).header).toMatchObject({ stage: 2, retried: true, epoch: 1 });
  const resumed = newPlan();
  const title = 'Stage 2 again';
  const neverAgain = { ...stageOf(resumed), validate: () => Promise.reject(new Error('Twice.')) };
  await (await Session.resume(run, resumed, of)).run(
    neverAgain,
    stageOf(resumed, { ...gentler, title }),
  );
  expect(valuesOf(resumed)).toEqual(valuesOf(expected));
  expect(lines.at(-1)).toMatch(/^Stage 2 again, epoch 3\/3: loss .*, validation accuracy 90.00 %/);
});

/** A run that stops at a step, of which each asks for the size of its images. */
function stopping() {
  const abort = new AbortController();
  let steps = 0;
  const stopAfter =
    (count: number): NonNullable<Stage['sizeIn']> =>
    () => {
      steps += 1;
      if (steps === count) abort.abort(new Error('Stopped.'));
      return TINY_SIZE;
    };
  return { signal: abort.signal, stopAfter };
}

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

test('validates and keeps the EMA weights, and continues training from the raw weights', async () => {
  const [plan, plainPlan] = [newPlan(), newPlan()];
  const seen: Record<string, Float32Array>[] = [];
  const validate = async () => {
    seen.push(structuredClone(valuesOf(plan)));
    return HALF;
  };
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { validate, config: { ...config, ema: 0.8 } }));
  expect(valuesOf(plan)).toEqual(seen[0]);
  const { tensors } = await checkpoint();
  // EMA does not change the raw weights.
  await (await Session.start(runIn(), plainPlan, of)).run(stageOf(plainPlan));
  const plain = (await checkpoint()).tensors;
  const kernel = 'parameters/predictions/kernel';
  expect(tensors.get(kernel)).toEqual(plain.get(kernel));
  expect(tensors.get('optimizer/average/predictions/kernel')?.values).toEqual(
    seen[2]?.['predictions/kernel'],
  );
  expect(seen[2]?.['predictions/kernel']).not.toEqual(plain.get(kernel)?.values);
});

test('trains each epoch on images of the size given for it', async () => {
  const sizes: (number | undefined)[] = [];
  const sized: BatchSource = {
    ...source,
    inputs(indices, random, size) {
      sizes.push(size);
      return source.inputs(indices, random);
    },
  };
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { source: sized, sizeIn: (epoch) => 32 + epoch }));
  expect(sizes).toEqual([32, 33, 34].flatMap((size) => Array(STEPS).fill(size)));
});

test('stops early where validation does not improve, also after a resume', async () => {
  const accuracies = [0.5, 0.9, 0.8, 0.7, 0.95];
  let validations = 0;
  const validate = async () => {
    validations += 1;
    return { accuracy: accuracies[validations - 1] as number, logLoss: 1 };
  };
  const patient = { validate, config: { ...config, epochs: 5, patience: 2 } };
  const plan = newPlan();
  await (await Session.start(runIn(), plan, of)).run(stageOf(plan, patient));
  expect(validations).toBe(4);
  expect((await checkpoint()).header).toMatchObject({ epoch: 4, best: { epoch: 2 } });

  const resumed = newPlan();
  await (await Session.resume(runIn(), resumed, of)).run(stageOf(resumed, patient));
  expect(validations).toBe(4);
  expect(valuesOf(resumed)).toEqual(valuesOf(plan));
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

test('does not change the weights where a stage has no epochs', async () => {
  const plan = newPlan();
  const before = structuredClone(valuesOf(plan));
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { config: { ...config, epochs: 0 } }));
  expect(valuesOf(plan)).toEqual(before);
});

test('logs the mean loss of the whole epoch, also if it was stopped after its last step', async () => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));
  const expected = (await epochsLogged()).map(({ loss }) => loss);
  await rm(join(directory, 'log.jsonl'));

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

test('names the step whose loss is not a number, and leaves a checkpoint to resume from', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  let steps = 0;
  const broken: BatchSource = {
    ...source,
    inputs: async (indices, random) => {
      steps += 1;
      const inputs = await source.inputs(indices, random);
      return steps === STEPS + 2 ? inputs.mul(Number.NaN) : inputs;
    },
  };
  await expect(session.run(stageOf(plan, { source: broken }))).rejects.toMatchObject({
    code: 'loss_not_finite',
    message: 'The loss became NaN in epoch 2, step 2: lower the peak learning rate, which is 0.02.',
  });
  const { tensors } = await checkpoint();
  const numbers = [...tensors.values()].flatMap(({ values }) => [...values]);
  expect(numbers.every(Number.isFinite)).toBe(true);
});

test('keeps the last checkpoint where the disk is full, and resumes from it once there is room', async ({
  skip,
}) => {
  const steady = newPlan();
  await (await Session.start(runIn(), steady, of)).run(stageOf(steady));
  await rm(join(directory, 'log.jsonl'));
  await rm(join(directory, 'checkpoint.safetensors'));

  const unmount = await mountSmallDisk(directory, 64);
  if (!unmount) return skip('Only root can mount a small disk.');
  try {
    const stopped = newPlan();
    const session = await Session.start(runIn(), stopped, of);
    const filler = join(directory, 'filler');
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
    expect((await readdir(directory)).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
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
  const path = join(directory, 'checkpoint.safetensors');
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
