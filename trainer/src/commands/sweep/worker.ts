import { defineCommand } from '../options/command.ts';
import { nameOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { untilInterrupted } from '../options/until-interrupted.ts';

export const queueOption = {
  queue: {
    group: 'Machine',
    value: '<url>',
    about: 'PostgreSQL of the trials, postgres://…',
    parse: nameOf,
  },
} as const;

export const worker = defineCommand({
  name: 'worker',
  about: 'Train the trials of sweeps that wait in a queue',
  details:
    'It takes one after the other until Ctrl-C. A trial that it leaves, or that it is killed in, goes on elsewhere and ends with the same numbers.',
  examples: [
    ['worker --queue postgres://db/graft', 'on each machine'],
    ['worker --data photos', 'GRAFT_QUEUE has the url'],
    ['worker --runs /mnt/shared/runs', 'share checkpoints'],
  ],
  options: {
    queue: { ...queueOption.queue, otherwise: 'GRAFT_QUEUE' },
    data: { ...shared.data.data, about: 'where the images are here', otherwise: "the sweep's" },
    threads: shared.compute.threads,
    ...shared.runs,
  },
  async run({ values, say }) {
    const url = values.queue ?? process.env['GRAFT_QUEUE'];
    if (!url) throw usage('Expected --queue, or the environment variable GRAFT_QUEUE.');
    const { openQueue } = await import('../../sweeps/queue.ts');
    const { runTrial } = await import('./run-trial.ts');
    const { data, threads, runs = shared.RUNS } = values;
    await untilInterrupted('Stopped. Its trial goes on elsewhere.', async ({ signal }) => {
      const unable = new AbortController();
      const stop = AbortSignal.any([signal, unable.signal, untilOrphaned()]);
      const queue = await openQueue(url, say);
      try {
        await queue.take(async (trial, lost) => {
          say(`Trial ${trial.trial} of ${trial.sweep}:`);
          try {
            const place = { runs, data, threads, signal: AbortSignal.any([stop, lost]), say };
            return await runTrial(trial, place);
          } catch (error) {
            // Another machine may have what is missing here, so this one takes no more.
            if (!lost.aborted) unable.abort(error);
            throw error;
          }
        });
        say('Waiting for trials.');
        await aborted(stop);
      } finally {
        await queue.close();
      }
      stop.throwIfAborted();
    });
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Aborts where the sweep that started this process is gone. */
function untilOrphaned(): AbortSignal {
  const gone = new AbortController();
  process.once('disconnect', () => gone.abort());
  // A listener would keep this process from ending.
  process.channel?.unref();
  return gone.signal;
}
