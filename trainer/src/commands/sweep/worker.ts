import { defineCommand } from '../options/command.ts';
import { nameOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { untilInterrupted } from '../options/until-interrupted.ts';

export const queueOption = {
  queue: {
    group: 'Machine',
    value: '<url>',
    about: 'PostgreSQL of trials, postgres://…',
    parse: nameOf,
  },
} as const;

export const featuresOption = {
  features: {
    group: 'Machine',
    value: '<place>',
    about: 'folder or s3://… for shared features',
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
    features: { ...featuresOption.features, otherwise: "the sweep's" },
    threads: shared.compute.threads,
    ...shared.runs,
  },
  async run({ values, say }) {
    const url = values.queue ?? process.env['GRAFT_QUEUE'];
    if (!url) throw usage('Expected --queue, or the environment variable GRAFT_QUEUE.');
    const { openQueue } = await import('../../sweeps/queue.ts');
    const { runFeatures, runTrial } = await import('./run-trial.ts');
    const { data, threads, features, runs = shared.RUNS } = values;
    await untilInterrupted('Stopped. Its trial goes on elsewhere.', async ({ signal }) => {
      const unable = new AbortController();
      const stop = AbortSignal.any([signal, unable.signal, untilOrphaned()]);
      const queue = await openQueue(url, say);
      try {
        await queue.take(async (work, lost) => {
          const signal = AbortSignal.any([stop, lost]);
          const place = { runs, data, threads, features, signal, say };
          try {
            if (work.kind === 'features') {
              await runFeatures(work, place);
              return undefined;
            }
            say(`Trial ${work.trial} of ${work.sweep}:`);
            return await runTrial(work, place);
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
