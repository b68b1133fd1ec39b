import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Env, JobParams } from '../env.ts';
import { defaultLimits, type Limits } from '../limits.ts';

/** Supervises a job. Its code is loaded when one runs, so that it costs other requests no time. */
export class JobWorkflow extends WorkflowEntrypoint<Env, JobParams> {
  /** Tests lower them. */
  protected readonly limits: Limits = defaultLimits;

  override async run({ payload }: WorkflowEvent<JobParams>, step: WorkflowStep): Promise<void> {
    const { superviseJob } = await import('./supervise-job.ts');
    await superviseJob(this.env, payload, step, this.limits);
  }
}
