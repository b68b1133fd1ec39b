import { join } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import { graft } from '../files/project.ts';
import {
  chooseRun,
  publicCommand,
  resumeCommand,
  runOptions,
  typedCommand,
  watchCommand,
} from './options/choose-run.ts';
import { defineCommand } from './options/command.ts';
import { pathOf, positiveOf, quoted } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { ENOUGH, untilInterrupted } from './options/until-interrupted.ts';

export const train = defineCommand({
  name: 'train',
  about: 'Train a classifier on a pretrained network, and export it',
  details: `Ctrl-C stops it, to be continued; ${ENOUGH.key} ends it early, with its best weights.`,
  examples: [
    ['train --data photos', 'your photos: photos/cat/1.jpg'],
    ['train --data photos --config best', 'more accurate, and slower'],
    ['train --resume 2026-01-31T12-00-00-fast', 'continue a run'],
  ],
  options: {
    ...runOptions,
    photos: {
      group: 'Data',
      value: '<folder>',
      about: 'more photos in class folders, to measure the model on',
      parse: pathOf,
    },
    minutes: {
      group: 'Experiment',
      value: '<n>',
      about: 'how long it may take; epochs are left out to fit',
      parse: positiveOf,
    },
    ...shared.id,
    candidate: {
      group: 'Output',
      about: 'write it beside the model that is served',
    },
    ...shared.models,
  },
  fields: ['backbone', 'weights', 'size'],
  async run(call) {
    const { values, typed, say } = call;
    const { directory, config, data, labels, id } = await chooseRun(call);
    const continued = resumeCommand(directory, values);
    await untilInterrupted(`Stopped. Go on with: ${continued}`, async (signals) => {
      const { trainInStages } = await import('./training/train-in-stages.ts');
      const card = await trainInStages(config, {
        directory,
        resume: values.resume !== undefined,
        data,
        labels,
        strict: values.strict,
        folders: values.folders,
        photos: values.photos,
        models: values.models ?? shared.MODELS,
        modelId: values.id ?? id,
        candidate: values.candidate,
        backend: values.backend,
        threads: values.threads,
        command: typedCommand(typed),
        publicCommand: publicCommand(typed),
        resumeCommand: continued,
        watchCommand: watchCommand(directory, values),
        minutes: values.minutes,
        enoughKey: ENOUGH.key,
        ...signals,
        say,
      });
      say(await summaryOf(directory, card, values));
    });
  },
});

/** The three worst confusions and what to do about them, what small images mean, and the next command. */
async function summaryOf(
  directory: string,
  { id, labels, preprocess, training }: ModelCard,
  {
    models,
    photos,
    candidate,
  }: {
    readonly models: string | undefined;
    readonly photos: string | undefined;
    readonly candidate: boolean;
  },
): Promise<string> {
  const { isLabelResults, readResults } = await import('../report/results.ts');
  const { describeConfusions } = await import('../report/describe-confusions.ts');
  const results = await readResults(directory);
  const names = labels.map(({ name }) => name);
  const confusions =
    results && !isLabelResults(results) ? describeConfusions(results, names, 3) : [];
  const side = training?.data?.side ?? preprocess.size;
  const areSmall = 2 * side <= preprocess.size && photos === undefined;
  const isServed = models === undefined || models === shared.MODELS;
  const model = isServed ? id : quoted(join(models, id));
  const next = isServed
    ? `Next, try it in a browser: ${graft('dev')}`
    : `Next, try it: ${graft(`predict photo.jpg --model ${model}`)}`;
  return [
    ...(confusions.length > 0 ? ['Worst confusions of the test images:'] : []),
    ...confusions.map((line) => `  ${line}`),
    ...(areSmall
      ? [
          `It was trained on images of ${side} pixels, enlarged to ${preprocess.size}: on sharp photos it may be right less often. See: ${graft(`evaluate ${model} --data photos`)}`,
        ]
      : []),
    // Where a candidate is, and what becomes of it, the export has said.
    ...(candidate ? [] : [next]),
  ].join('\n');
}
