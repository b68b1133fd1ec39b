import { createHash } from 'node:crypto';
import type { PgBoss } from 'pg-boss';
import { TrainerError } from '../errors.ts';
import { loadPackage } from './load-package.ts';
import { type TrialResult, trialResult } from './sweep-file.ts';
import { type TrialMessage, type WorkMessage, workMessage } from './work-message.ts';

const QUEUE = 'graft-trials';
/** A trial whose worker has been silent for so long is handed out again. */
const SILENCE_SECONDS = 30;
const HEARTBEAT_SECONDS = 5;
/** How often silent workers are looked for. */
const SUPERVISE_SECONDS = 5;
/** A trial that so many workers did not survive is given up. */
const MOST_RETRIES = 20;
/** Then it is handed out again, and resumes: a day is the longest that pg-boss allows. */
const EXPIRE_SECONDS = 24 * 60 * 60 - 1;
/** What pg-boss calls work that is over. */
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);
/** More jobs than any sweep has. */
const ALL = 100_000;

/** A queue of trials and of their features in a PostgreSQL, which any number of machines may take from. */
export interface Queue {
  /** Puts work into it; what it has already is left as it is. */
  send(work: readonly WorkMessage[]): Promise<void>;
  /** How many shares of a sweep's features are not computed yet. */
  featuresLeft(key: string): Promise<number>;
  /** The results of a sweep's trials so far, each with its trial's name and rung. */
  results(key: string): Promise<(Pick<TrialMessage, 'trial' | 'rung'> & { result: TrialResult })[]>;
  /**
   * Takes work, one message at a time, until the queue is closed.
   *
   * @param run does it, and gives the result of a trial; its signal aborts when the work has been handed to
   *   another worker. Work whose run throws is handed out again.
   */
  take(
    run: (work: WorkMessage, signal: AbortSignal) => Promise<TrialResult | undefined>,
  ): Promise<void>;
  /** Takes a sweep's waiting work out. */
  clear(key: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param url of a PostgreSQL, whose schema `pgboss` holds the queue
 * @param say is told of lost connections, which mend themselves
 * @throws TrainerError `queue_unavailable`
 */
export async function openQueue(url: string, say: (line: string) => void): Promise<Queue> {
  const boss = await connect(url, say);
  return {
    async send(work) {
      const jobs = work.map((data) => ({ id: idOf(data), data }));
      if (jobs.length > 0) await boss.insert(QUEUE, jobs);
    },
    async featuresLeft(key) {
      const jobs = await boss.findJobs(QUEUE, { data: { key, kind: 'features' }, limit: ALL });
      // What nobody could compute, each trial tries to itself.
      return jobs.filter(({ state }) => !ENDED.has(state)).length;
    },
    async results(key) {
      const wanted = { data: { key, kind: 'trial' }, limit: ALL };
      const jobs = await boss.findJobs<TrialMessage>(QUEUE, wanted);
      return jobs.flatMap(({ data, state, output }) => {
        const { trial, rung } = data;
        if (state === 'failed') {
          const error = `Given up after ${MOST_RETRIES + 1} workers that did not survive it.`;
          return [{ trial, rung, result: { error } }];
        }
        return state === 'completed' ? [{ trial, rung, result: trialResult.parse(output) }] : [];
      });
    },
    async take(run) {
      await boss.work<unknown, TrialResult | undefined>(
        QUEUE,
        { pollingIntervalSeconds: 1, heartbeatRefreshSeconds: HEARTBEAT_SECONDS },
        async ([job]) => {
          if (job === undefined) throw new Error('pg-boss handed out an empty batch.');
          return run(workMessage.parse(job.data), job.signal);
        },
      );
    },
    async clear(key) {
      const jobs = await boss.findJobs(QUEUE, { data: { key }, queued: true, limit: ALL });
      if (jobs.length > 0) {
        await boss.deleteJob(
          QUEUE,
          jobs.map(({ id }) => id),
        );
      }
    },
    close: () => boss.stop({ graceful: true, timeout: 30_000 }),
  };
}

async function connect(url: string, say: (line: string) => void): Promise<PgBoss> {
  const { PgBoss: Boss } = await loadPackage(() => import('pg-boss'));
  const boss = new Boss({
    connectionString: url,
    application_name: 'graft',
    max: 2,
    schedule: false,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
  });
  boss.on('error', (error) => say(`The queue: ${error.message}`));
  try {
    await boss.start();
    await boss.createQueue(QUEUE, {
      retryLimit: MOST_RETRIES,
      heartbeatSeconds: SILENCE_SECONDS,
      expireInSeconds: EXPIRE_SECONDS,
    });
  } catch (cause) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw new TrainerError(
      'queue_unavailable',
      `Expected a PostgreSQL that takes connections at ${withoutPassword(url)}, but it does not answer: ${(cause as Error).message || cause}.`,
      cause,
    );
  }
  return boss;
}

/** The same work always has the same id, so that it is in the queue once. */
function idOf(work: WorkMessage): string {
  const { key } = work;
  const name = work.kind === 'trial' ? [work.trial, work.rung] : [work.origin, work.share, work.of];
  const hash = createHash('sha256')
    .update(JSON.stringify([key, ...name]))
    .digest('hex');
  // RFC 9562, §5.8: version 8 is for ids that a program makes its own way.
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, '@');
}
