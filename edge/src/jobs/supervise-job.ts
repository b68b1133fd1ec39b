import type { WorkflowStep } from 'cloudflare:workers';
import type { Env, JobParams } from '../env.ts';
import type { Limits } from '../limits.ts';
import { advanceJob, failJob, type ReadJob, replaceState } from './advance-job.ts';
import { type JobsEnv, withJobs } from './job.ts';
import { pauseMs } from './pause.ts';

const patient = {
  retries: { limit: 20, delay: '10 seconds', backoff: 'linear' },
  timeout: '10 minutes',
} as const;

/**
 * Advances a job until it has ended. All that a step knows is in the bucket, so that an instance which
 * begins anew, or the next one, goes on where the last one was.
 */
export async function superviseJob(
  bindings: Env,
  params: JobParams,
  step: WorkflowStep,
  limits: Limits,
): Promise<void> {
  const env = withJobs(bindings);
  const { job, part } = params;
  try {
    for (let round = 0; round < limits.jobs.stepsPerInstance; round++) {
      const { isOver, pause } = await step.do(`advance ${round}`, patient, async () => {
        const state = await advanceJob(env, params, limits);
        return {
          isOver: state.status !== 'running' || state.part > part,
          pause: pauseMs(state, limits),
        };
      });
      if (isOver) return;
      await step.sleep(`wait ${round}`, pause);
    }
    await step.do('hand over', patient, () => startInstance(env, { job, part: part + 1 }));
  } catch (error) {
    console.error(job, error);
    await step.do('fail', patient, () =>
      failJob(env, job, 'The service could not go on with the job; its log says why.'),
    );
  }
}

/** Starts the next Workflow instance of a job, unless it has been started. */
export async function startInstance({ JOBS_WORKFLOW }: JobsEnv, params: JobParams): Promise<void> {
  const id = `${params.job}-${params.part}`;
  try {
    await JOBS_WORKFLOW.create({ id, params });
  } catch (cause) {
    // The error of an instance that exists has no code of its own.
    await JOBS_WORKFLOW.get(id).catch(() => {
      throw cause;
    });
  }
}

/**
 * Starts the next instance of a job that should run and has not been advanced for long. An instance goes
 * on after a failure by itself on Cloudflare, and under `wrangler dev` ends with workerd.
 */
export async function revive(
  env: JobsEnv,
  id: string,
  { state, etag }: ReadJob,
  { jobs }: Limits,
): Promise<void> {
  const now = Date.now();
  if (state.status !== 'running' || now - state.updatedAt < jobs.lostMs) return;
  const next = { ...state, part: state.part + 1, updatedAt: now };
  // Of several requests at the same time, one starts it.
  if (!(await replaceState(env, id, next, etag))) return;
  await startInstance(env, { job: id, part: next.part });
}
