import type { ChunkMessage, Env } from '../env.ts';
import type { Limits } from '../limits.ts';
import { buryChunk, classifyChunk } from './classify-chunk.ts';
import { withJobs } from './job.ts';

/** Takes the messages of the jobs' queue, and those that nobody could take from its dead-letter queue. */
export async function consume(
  batch: MessageBatch<ChunkMessage>,
  env: Env,
  limits: Limits,
): Promise<void> {
  const jobs = withJobs(env);
  const isDead = batch.queue.endsWith('-dead');
  for (const message of batch.messages) {
    const { body, attempts } = message;
    try {
      if (isDead) {
        await buryChunk(jobs, body, limits);
        message.ack();
        continue;
      }
      const outcome = await classifyChunk(jobs, body, attempts > 1, limits);
      if (outcome.is === 'retry') {
        message.retry({ delaySeconds: outcome.delaySeconds });
        continue;
      }
      // A new message, since nothing failed and a message has a limited number of retries.
      if (outcome.is === 'later') await jobs.JOBS_QUEUE.send(body, outcome);
      message.ack();
    } catch (error) {
      console.error(body.job, body.chunk, error);
      message.retry({ delaySeconds: limits.jobs.retryDelayS });
    }
  }
}
