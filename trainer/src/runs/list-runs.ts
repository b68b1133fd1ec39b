import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { trainConfig } from '../config/train-config.ts';
import { epochsOf, type LogLine, readRunLog } from './run-log.ts';

/** What a run's log says of it, from its first line to its last. */
export interface RunRecord {
  /** Of its folder. */
  readonly name: string;
  readonly directory: string;
  /** Of the first line. */
  readonly begun: Date;
  /** The test images are measured, and the model is written. */
  readonly isFinished: boolean;
  readonly dataset: string;
  readonly backend: string;
  /** Images to train on. */
  readonly images: number;
  /** The command that continues it, where its log has one. */
  readonly resume: string | undefined;
  /** The experiment's fields by path, such as `stage2.epochs`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Complete epochs of both stages. */
  readonly epochs: number;
  /** Training time in all sessions, up to the last epoch. */
  readonly seconds: number;
  /** Best top-1 of the validation images, 0–1. */
  readonly validation: number | null;
  /** Top-1 of the test images with the head alone, 0–1. */
  readonly stage1Test: number | null;
  /** Top-1 of the test images, 0–1: the float32 network and the exported model. */
  readonly test: { readonly float32: number; readonly quantized: number } | null;
}

/**
 * All runs of a folder, the latest first. A folder without a readable log is no run.
 *
 * @param runs the folder, which need not exist
 */
export async function listRuns(runs: string): Promise<RunRecord[]> {
  const entries = await readdir(runs, { withFileTypes: true }).catch(() => []);
  const found: RunRecord[] = [];
  for (const entry of entries.filter((one) => !one.isFile())) {
    const record = await readRun(join(runs, entry.name), entry.name).catch(() => undefined);
    if (record) found.push(record);
  }
  return found.sort((a, b) => b.begun.getTime() - a.begun.getTime());
}

/**
 * @returns undefined where the log has no beginning
 * @throws TrainerError `run_invalid` where there is no log
 */
export async function readRun(directory: string, name: string): Promise<RunRecord | undefined> {
  const log = await readRunLog(directory);
  const starts = log.filter(isStart);
  const [first] = starts;
  const last = starts.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const epochs = epochsOf(log);
  const soup = log.findLast((line) => line.event === 'soup');
  const accuracies = [
    ...epochs.map(({ validation }) => validation.accuracy),
    ...(soup ? [soup.accuracy] : []),
  ];
  const test = log.findLast((line) => line.event === 'test');
  const stage1 = log.findLast((line) => line.event === 'stage-1-test');
  return {
    name,
    directory,
    begun: new Date(first.time),
    isFinished: test !== undefined,
    dataset: last.dataset,
    backend: last.backend,
    images: last.images.train,
    resume: last.resume,
    settings: settingsOf(last.config),
    epochs: epochs.length,
    seconds: epochs.at(-1)?.seconds ?? 0,
    validation: accuracies.length > 0 ? Math.max(...accuracies) : null,
    stage1Test: stage1?.accuracy ?? null,
    test: test ? { float32: test.float32, quantized: test.quantized } : null,
  };
}

type StartLine = LogLine & { readonly event: 'start' };

function isStart(line: LogLine): line is StartLine {
  return line.event === 'start';
}

/** Fields that a log of an older version lacks have their defaults. */
function settingsOf(config: unknown): Record<string, unknown> {
  const parsed = trainConfig.safeParse(config);
  return Object.fromEntries(flatten(parsed.success ? parsed.data : config, []));
}

function flatten(value: unknown, path: readonly string[]): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path.join('.'), value]];
  }
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, [...path, key]));
}
