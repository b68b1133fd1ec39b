import { defineCommand } from '../options/command.ts';
import { dataBeside, oneOf, pathOf, portOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { untilStopped } from '../options/until-stopped.ts';

export const review = defineCommand({
  name: 'review',
  about: 'Find wrong labels and copies in your images, in a browser',
  details:
    'A page decides about each image with a key. Names a model, or a run by its folder. Decisions go into graft-review.json in the folder of images, which ' +
    'training reads; no image is changed. Ctrl-C ends it.',
  takes: '<model or run>',
  examples: [
    ['review pets --data photos', 'opens on this machine only'],
    ['review beaches --labels photos/labels.csv', 'several labels an image'],
    ['train --data photos', 'then train with the decisions'],
  ],
  options: {
    data: {
      group: 'Data',
      value: '<folder>',
      about: 'images in class folders (cat/1.jpg)',
      parse: pathOf,
    },
    labels: { ...shared.reading.labels, otherwise: 'those of the training' },
    port: {
      group: 'Page',
      value: '<n>',
      about: 'of the page',
      otherwise: 'any that is free',
      parse: portOf,
    },
    ...shared.models,
    ...shared.runs,
    ...shared.compute,
  },
  async run({ values, positionals, say }) {
    const name = oneOf(positionals, 'model or run');
    const { threads } = values;
    const data = values.data ?? dataBeside(values.labels);
    if (data === undefined) throw usage('Expected the folder of images after --data.');
    const { startBackend } = await import('../../backends/start-backend.ts');
    const { openReview } = await import('../../review/open-review.ts');
    const { ReviewSession } = await import('../../review/session.ts');
    const { openTrained } = await import('./open-trained.ts');
    const { serveReview } = await import('../../review/serve-review.ts');
    const backend = await startBackend(values.backend, say, { threads });
    const { signal } = new AbortController();
    const trained = await openTrained(
      name,
      values.models ?? shared.MODELS,
      values.runs ?? shared.RUNS,
    );
    const labels = values.labels ?? trained.labels;
    if (trained.isMultiLabel !== (labels !== undefined)) {
      throw usage(
        trained.isMultiLabel
          ? `Expected --labels, a CSV file or folders, since images may have several of the labels of ${name}.`
          : `Expected no --labels, since images have one of the labels of ${name}.`,
      );
    }
    const task = { ...trained, labels, data, backend: backend.name, signal, say };
    const found = await openReview(task).finally(() => trained.dispose());
    const { url, close } = await serveReview(await ReviewSession.open(found), values.port ?? 0);
    say(`The review of ${found.folder} is at ${url} for this machine. Ctrl-C ends it.`);
    await untilStopped();
    await close();
  },
});
