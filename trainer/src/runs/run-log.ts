import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import { parseJson } from '../files/parse-json.ts';

const fraction = z.number().min(0).max(1);

/** The events of a run's `log.jsonl`, one per line, each written after the work that it describes. */
const logEvent = z.discriminatedUnion('event', [
  /** The start of a session, new or resumed. */
  z.object({
    event: z.literal('start'),
    command: z.string(),
    /** The command without what it reveals about the machine; older logs have it as `command`. */
    publicCommand: z.string().optional(),
    /** The command that continues the run; the logs of older versions have none. */
    resume: z.string().optional(),
    backend: z.string(),
    dataset: z.string(),
    /** Whether an image may have several labels: accuracy is then mean average precision. */
    multiLabel: z.boolean().optional(),
    /** The whole recipe. */
    config: z.json(),
    images: z.object({ train: z.int(), validation: z.int(), test: z.int() }),
    /** Since the process started: to start the backend, open the data set and build the network. */
    seconds: z.number(),
  }),
  z.object({ event: z.literal('features') }),
  z.object({
    event: z.literal('steps'),
    stage: z.literal([1, 2]),
    /** Of the stage, from 1. */
    epoch: z.int().positive(),
    /** The last of these steps, counted from 1, of the epoch's number of steps. */
    step: z.int().positive(),
    of: z.int().positive(),
    /** Mean training loss of these steps, with augmentation and dropout. */
    loss: z.number(),
    /** Of the last of these steps. */
    learningRate: z.number().optional(),
  }),
  z.object({
    event: z.literal('epoch'),
    stage: z.literal([1, 2]),
    /** Of the stage, from 1. */
    epoch: z.int().positive(),
    /** Mean training loss of the epoch, with augmentation and dropout. */
    loss: z.number(),
    /** Top-1 accuracy (of several labels mean average precision) and mean cross-entropy on the validation images. */
    validation: z.object({ accuracy: fraction, loss: z.number() }),
    /** Training time over all sessions. */
    seconds: z.number(),
  }),
  /** The same accuracy on the test images after stage 1. */
  z.object({ event: z.literal('stage-1-test'), accuracy: fraction }),
  /** Share of the fine-tuned kernels after WiSE-FT, and the calibrated validation loss. */
  z.object({
    event: z.literal('interpolate'),
    share: fraction,
    loss: z.object({ before: z.number(), after: z.number() }),
  }),
  /** Of a soup: the runs whose weights are averaged, and top-1 of the validation images, also of the best of them. */
  z.object({
    event: z.literal('soup'),
    members: z.array(z.string()),
    accuracy: fraction,
    single: fraction,
  }),
  z.object({ event: z.literal('calibrate'), temperature: z.number() }),
  /** The same accuracy on the test images. */
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
 * Reads a run's log. Lines that a crash cut off, and events that this version does not know, are
 * skipped.
 *
 * @throws TrainerError `run_invalid` where there is no log
 */
export async function readRunLog(directory: string): Promise<LogLine[]> {
  const text = await readFile(logIn(directory), 'utf8').catch((cause: unknown) => {
    throw new TrainerError(
      'run_invalid',
      `Expected the folder of a run with a readable log.jsonl at ${directory}, but there is none.`,
      cause,
    );
  });
  return text.split('\n').flatMap((line) => {
    const parsed = logLine.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

type EpochLine = LogLine & { readonly event: 'epoch' };

/** Each epoch once: an epoch that was trained again after a crash is logged twice. */
export function epochsOf(log: readonly LogLine[]): EpochLine[] {
  const epochs = log.filter((line): line is EpochLine => line.event === 'epoch');
  return [...new Map(epochs.map((line) => [`${line.stage}/${line.epoch}`, line])).values()];
}

type StepsLine = LogLine & { readonly event: 'steps' };

/** The training loss by steps, each part once. */
export function stepsOf(log: readonly LogLine[]): StepsLine[] {
  const steps = log.filter((line): line is StepsLine => line.event === 'steps');
  const byPlace = steps.map((line) => [`${line.stage}/${line.epoch}/${line.step}`, line] as const);
  return [...new Map(byPlace).values()];
}

/** The phase of a run that ends with an event. */
const PHASES = {
  start: 'Backend, data, network',
  features: 'Features',
  'steps 1': 'Stage 1',
  'epoch 1': 'Stage 1',
  'stage-1-test': 'Stage 1',
  'steps 2': 'Stage 2',
  'epoch 2': 'Stage 2',
  interpolate: 'Interpolation',
  soup: 'Soup',
  calibrate: 'Calibration',
  test: 'Export and test',
} as const;

/**
 * The duration of each phase, from the times between events.
 *
 * @returns seconds by phase, in order; the time between the last event and a crash is not counted
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
