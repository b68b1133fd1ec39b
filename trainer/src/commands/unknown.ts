import { defineCommand } from './options/command.ts';
import { findModel } from './options/find-model.ts';
import { oneOf, pathOf, shareOf } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { dataFor, trainedOn } from './options/trained-on.ts';

export const unknownCommand = defineCommand({
  name: 'unknown',
  about: 'Teach a finished model to recognize images of none of its classes',
  details:
    'Training does so too. It takes the images that the model was trained on; pass them where its run is gone.',
  takes: '<model>',
  examples: [
    ['unknown cifar10', 'on CIFAR-10'],
    ['unknown pets --data photos --keep 0.99', 'refuse fewer'],
    ['unknown pets --counter-examples others', 'measured on yours'],
  ],
  options: {
    data: { ...shared.data.data, otherwise: 'those of the training, or cifar10' },
    labels: { ...shared.reading.labels, otherwise: 'those of the training' },
    'counter-examples': {
      group: 'Data',
      value: '<folder>',
      about: 'folders of images of none of the classes, to measure on',
      parse: pathOf,
    },
    imagenet: {
      group: 'Data',
      value: '<file>',
      about:
        "ImageNet's classes that are among the model's, one a line, where photos look unlike the training images",
      parse: pathOf,
    },
    keep: {
      group: 'Data',
      value: '<share>',
      about: 'share of known images that the threshold keeps',
      default: '0.95',
      parse: (text, name) => shareOf(text, name, 0.5),
    },
    ...shared.models,
    ...shared.runs,
    ...shared.compute,
  },
  async run({ values, positionals, say }) {
    const { threads, keep, imagenet } = values;
    const model = await findModel(values.models ?? shared.MODELS, oneOf(positionals, 'model'));
    const { startBackend } = await import('../backends/start-backend.ts');
    const { formatKnownScore } = await import('../evaluation/format-known-score.ts');
    const { refitKnownScore } = await import('../export/refit-known-score.ts');
    await startBackend(values.backend, say, { threads });
    const { signal } = new AbortController();
    const { data, labels: named } = await dataFor(values, model);
    // Other images are labelled as those of the training were, unless the user says how.
    const labels =
      named ?? (values.data && (await trainedOn(values.runs ?? shared.RUNS, model))?.labels);
    const unknown = values['counter-examples'];
    const task = { data, labels, unknown, imagenet, keep, signal, say };
    say(formatKnownScore(await refitKnownScore(model, task)));
  },
});
