import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrainerError } from '../../errors.ts';
import { moduleUrl } from '../../files/module-url.ts';

export interface LocalWorkers {
  /** Rejects when one cannot go on. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

interface WorkerOptions {
  readonly count: number;
  readonly url: string;
  readonly runs: string;
  /** Of the processor, for each; undefined shares it out. */
  readonly threads: number | undefined;
  /** Where their output goes, a file for each. */
  readonly logs: string;
}

/**
 * Starts workers as processes of this machine. One that is killed is started again; its trial resumes as soon as
 * the queue misses it.
 */
export async function startWorkers(options: WorkerOptions): Promise<LocalWorkers> {
  await mkdir(options.logs, { recursive: true });
  const { promise: failure, reject } = Promise.withResolvers<never>();
  // It may fail while nobody waits for it yet.
  failure.catch(() => {});
  const children = new Set<ChildProcess>();
  let isOver = false;
  const start = async (number: number): Promise<void> => {
    const log = join(options.logs, `worker-${number}.log`);
    const file = await open(log, 'a');
    const child = fork(fileURLToPath(moduleUrl('../../cli/cli', import.meta)), argsOf(options), {
      env: { ...process.env, GRAFT_QUEUE: options.url },
      stdio: ['ignore', file.fd, file.fd, 'ipc'],
      // Ctrl-C is for this process, which tells them.
      detached: process.platform !== 'win32',
    });
    children.add(child);
    const [code] = (await once(child, 'close')) as [number | null];
    children.delete(child);
    await file.close();
    if (isOver) return;
    if (code === null) return start(number);
    const last = (await readFile(log, 'utf8')).trimEnd().split('\n').at(-1);
    throw new TrainerError('run_invalid', `Worker ${number} ended: ${last} Its log is ${log}.`);
  };
  for (let number = 1; number <= options.count; number++) start(number).catch(reject);
  return {
    failure,
    async stop() {
      isOver = true;
      await Promise.all(
        [...children].map((child) => {
          const closed = once(child, 'close');
          child.kill('SIGTERM');
          return closed;
        }),
      );
    },
  };
}

function argsOf({ count, runs, threads }: WorkerOptions): string[] {
  const each = threads ?? Math.max(1, Math.floor(availableParallelism() / count));
  return ['worker', '--runs', runs, ...(count > 1 || threads ? ['--threads', `${each}`] : [])];
}
