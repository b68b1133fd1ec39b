import type { ChunkMessage, Env, ObjectEvent } from '../env.ts';
import type { Limits } from '../limits.ts';
import { buryChunk, type ChunkOutcome, classifyChunk } from './chunks/classify-chunk.ts';
import { classifyLater } from './following/classify-later.ts';
import { type JobsEnv, withJobs } from './job.ts';

/**
 * Takes the messages of the jobs' queues: chunks, R2's events of images that come later, and, from the
 * dead-letter queue, those that nobody could take.
 */
export async function consume(
  batch: MessageBatch<ChunkMessage | ObjectEvent>,
  env: Env,
  limits: Limits,
): Promise<void> {
  const jobs = withJobs(env);
  const isDead = batch.queue.endsWith('-dead');
  for (const message of batch.messages) {
    const { body, attempts } = message;
    try {
      const outcome = await handle(jobs, body, { attempts, isDead }, limits);
      if (outcome.is === 'retry') {
        message.retry({ delaySeconds: outcome.delaySeconds });
        continue;
      }
      // A new message, since nothing failed and a message has a limited number of retries.
      if (outcome.is === 'later') await jobs.JOBS_QUEUE.send(body as ChunkMessage, outcome);
      message.ack();
    } catch (error) {
      console.error(JSON.stringify(body), error);
      message.retry({ delaySeconds: limits.jobs.retryDelayS });
    }
  }
}

async function handle(
  jobs: JobsEnv,
  body: ChunkMessage | ObjectEvent,
  { attempts, isDead }: { readonly attempts: number; readonly isDead: boolean },
  limits: Limits,
): Promise<ChunkOutcome> {
  if ('object' in body) return classifyLater(jobs, body, { attempts, isLast: isDead }, limits);
  if (!isDead) return classifyChunk(jobs, body, attempts > 1, limits);
  await buryChunk(jobs, body, limits);
  return { is: 'done' };
}
