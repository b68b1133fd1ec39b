import type { JobResponse } from 'shared/contract/responses';

/** How far a job is, in a few lines. */
export function formatJob(job: JobResponse): string {
  const { images, imagesPerSecond, secondsLeft, problems } = job;
  const found = `${images.isComplete ? '' : 'at least '}${count(images.found)}`;
  const speed =
    job.status === 'running' && imagesPerSecond > 0 ? `, ${imagesPerSecond} a second` : '';
  const left = secondsLeft === null ? '' : `, about ${durationOf(secondsLeft)} left`;
  const failed = Object.entries(problems).map(([code, n]) => `${count(n ?? 0)} ${code}`);
  return [
    `${job.id}  ${job.status}${job.reason ? `: ${job.reason}` : ''}`,
    `${count(images.done)} of ${found} images${speed}${left}`,
    `${count(images.failed)} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
    `${job.model}, about $${job.usd.toFixed(4)} so far`,
    ...(job.index === undefined
      ? []
      : [`The index ${job.index} is ${job.status === 'done' ? '' : 'not yet '}there.`]),
    ...(job.follows ? ['What comes later is classified too, until you cancel the job.'] : []),
  ].join('\n');
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function durationOf(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
