import { expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { TINY_SIZE } from '../../fixtures/tiny-network.ts';
import {
  config,
  HALF,
  newPlan,
  of,
  prepareSessions,
  STEPS,
  shape,
  source,
  stageOf,
  valuesOf,
} from '../../fixtures/training/tiny-session.ts';
import type { BatchSource } from '../data/batches.ts';
import type { Plan } from '../plan/plan.ts';
import { Session } from './session.ts';
import type { Stage } from './stage.ts';

const { checkpoint, epochsLogged, runIn } = prepareSessions();

const range = (first: number, end: number, step: number) =>
  Array.from({ length: Math.ceil((end - first) / step) }, (_, index) => first + index * step);

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

test('does not change the weights where a stage has no epochs', async () => {
  const plan = newPlan();
  const before = structuredClone(valuesOf(plan));
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { config: { ...config, epochs: 0 } }));
  expect(valuesOf(plan)).toEqual(before);
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
