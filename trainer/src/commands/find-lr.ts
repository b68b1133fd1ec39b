import { chooseRun, runOptions } from './options/choose-run.ts';
import { defineCommand } from './options/command.ts';

export const findLr = defineCommand({
  name: 'find-lr',
  about: 'Try rising learning rates on 1,000 images, and suggest a peak',
  details:
    'Prints the loss at each rate. Takes what train takes, since another recipe has another best rate.',
  examples: [
    ['find-lr --data photos', 'of stage 2 (all)'],
    ['find-lr --data photos --stage 1', 'of stage 1 (the head)'],
    ['find-lr --backbone resnet50 --weights resnet50.h5', 'another network'],
  ],
  options: {
    stage: {
      group: 'Experiment',
      value: '<number>',
      choices: ['1', '2'],
      default: '2',
      about: "which stage's",
    },
    ...runOptions,
  },
  fields: ['backbone', 'weights', 'size'],
  async run(call) {
    const { values, say } = call;
    const { config, data, labels } = await chooseRun(call);
    const { startBackend } = await import('../backends/start-backend.ts');
    const { runRangeTest } = await import('../training/run-range-test.ts');
    await startBackend(values.backend, say, { threads: values.threads });
    const { strict, folders } = values;
    const { signal } = new AbortController();
    const stage = values.stage === '1' ? 1 : 2;
    say(await runRangeTest(config, stage, { data, labels, strict, folders, signal, say }));
  },
});
