import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';

const fraction = z.number().min(0).max(1);

/** What a run's `log.jsonl` holds, one event a line, each behind the work that it tells of. */
const logEvent = z.discriminatedUnion('event', [
  /** A session begins, the first or one that goes on. */
  z.object({
    event: z.literal('start'),
    command: z.string(),
    /** Without what it says of the machine; in the logs of older versions `command` is so. */
    publicCommand: z.string().optional(),
    /** The command that continues the run; the logs of older versions have none. */
    resume: z.string().optional(),
    backend: z.string(),
    dataset: z.string(),
    /** Every setting of the experiment. */
    config: z.json(),
    images: z.object({ train: z.int(), validation: z.int(), test: z.int() }),
    /** Since the process began: to start the backend, open the data and build the network. */
    seconds: z.number(),
  }),
  z.object({ event: z.literal('features') }),
  z.object({
    event: z.literal('steps'),
    stage: z.literal([1, 2]),
    /** Of the stage, from 1. */
    epoch: z.int().positive(),
    /** The last of these steps, counted in the epoch from 1, of so many. */
    step: z.int().positive(),
    of: z.int().positive(),
    /** Mean of these steps' losses, augmentation and dropout among them. */
    loss: z.number(),
    /** Of the last of these steps. */
    learningRate: z.number().optional(),
  }),
  z.object({
    event: z.literal('epoch'),
    stage: z.literal([1, 2]),
    /** Of the stage, from 1. */
    epoch: z.int().positive(),
    /** Mean of the steps' losses, augmentation and dropout among them. */
    loss: z.number(),
    /** Top-1 and mean cross-entropy of the validation images. */
    validation: z.object({ accuracy: fraction, loss: z.number() }),
    /** Trained in all sessions. */
    seconds: z.number(),
  }),
  /** Top-1 of the test images with the new head alone. */
  z.object({ event: z.literal('stage-1-test'), accuracy: fraction }),
  /** Kernels between the pretrained and the fine-tuned ones, and the calibrated validation loss. */
  z.object({
    event: z.literal('interpolate'),
    share: fraction,
    loss: z.object({ before: z.number(), after: z.number() }),
  }),
  z.object({ event: z.literal('calibrate'), temperature: z.number() }),
  /** Top-1 of the test images. */
  z.object({ event: z.literal('test'), float32: fraction, quantized: fraction }),
]);

export type LogEvent = z.infer<typeof logEvent>;

const logLine = z.intersection(z.object({ time: z.iso.datetime() }), logEvent);

export type LogLine = z.infer<typeof logLine>;

/** The log's path in a run's folder. */
export function logIn(directory: string): string {
  return join(directory, 'log.jsonl');
}

/**
 * Reads a run's log. A line that was cut off by a crash, or is of an event that this version does not
 * know, is passed over.
 *
 * @throws TrainerError `run_invalid` where there is none
 */
export async function readRunLog(directory: string): Promise<LogLine[]> {
  const text = await readFile(logIn(directory), 'utf8').catch((cause: unknown) => {
    throw new TrainerError(
      'run_invalid',
      `Expected a run's folder with a log.jsonl at ${directory}, but there is none that can be read.`,
      cause,
    );
  });
  return text.split('\n').flatMap((line) => {
    const parsed = logLine.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type EpochLine = LogLine & { readonly event: 'epoch' };

/** Each epoch once: one that a crash had trained again is logged twice. */
export function epochsOf(log: readonly LogLine[]): EpochLine[] {
  const epochs = log.filter((line): line is EpochLine => line.event === 'epoch');
  return [...new Map(epochs.map((line) => [`${line.stage}/${line.epoch}`, line])).values()];
}

type StepsLine = LogLine & { readonly event: 'steps' };

/** The training loss between validations, each piece of it once. */
export function stepsOf(log: readonly LogLine[]): StepsLine[] {
  const steps = log.filter((line): line is StepsLine => line.event === 'steps');
  const byPlace = steps.map((line) => [`${line.stage}/${line.epoch}/${line.step}`, line] as const);
  return [...new Map(byPlace).values()];
}

/** The part of a run that ends with an event. */
const PHASES = {
  start: 'Backend, data, network',
  features: 'Features',
  'steps 1': 'Stage 1',
  'epoch 1': 'Stage 1',
  'stage-1-test': 'Stage 1',
  'steps 2': 'Stage 2',
  'epoch 2': 'Stage 2',
  interpolate: 'Interpolation',
  calibrate: 'Calibration',
  test: 'Export and test',
} as const;

/**
 * What took how long: to each event, the time since the one before it.
 *
 * @returns seconds by phase in order; a crash loses what came after the last event
 */
export function phasesOf(log: readonly LogLine[]): { phase: string; seconds: number }[] {
  const seconds = new Map<string, number>();
  let last = 0;
  for (const line of log) {
    const time = Date.parse(line.time);
    const phase = PHASES['stage' in line ? (`${line.event} ${line.stage}` as const) : line.event];
    const took = line.event === 'start' ? line.seconds : (time - last) / 1000;
    seconds.set(phase, (seconds.get(phase) ?? 0) + took);
    last = time;
  }
  return [...new Set(Object.values(PHASES))].flatMap((phase) => {
    const took = seconds.get(phase);
    return took === undefined ? [] : [{ phase, seconds: took }];
  });
}
