import { knownDatasets } from '../datasets/open-dataset.ts';
import { defineCommand } from './options/command.ts';
import { dataOf, oneOf, positiveOf } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const datasets = defineCommand({
  name: 'datasets',
  about: 'List the data sets, or say what is in one, without training',
  details:
    'Of a folder: classes, splits, damaged files, repeated images, and what is out of balance.',
  takes: '[<name or folder>]',
  examples: [
    ['datasets', 'list those known by name'],
    ['datasets photos', 'what is in your folder, what to mend'],
    ['datasets cifar100', 'images by class and split'],
  ],
  options: {
    ...shared.reading,
    size: {
      group: 'Data',
      value: '<pixels>',
      about: 'side of the images that the training would take',
      default: '224',
      parse: positiveOf,
    },
    ...shared.json,
  },
  async run({ values, positionals, say }) {
    const { describeDataset, formatDataset, listDatasets } = await import(
      '../datasets/describe-datasets.ts'
    );
    if (positionals.length === 0) {
      if (!values.json) return say(listDatasets());
      const known = Object.entries(knownDatasets).map(([name, { about }]) => ({ name, about }));
      return say(JSON.stringify(known));
    }
    const { startProgress } = await import('../files/progress.ts');
    const { size, strict, folders, labels } = values;
    const { signal } = new AbortController();
    const note = values.json ? () => {} : say;
    const options = { size, strict, folders, labels, signal, say: note, startProgress };
    const dataset = await describeDataset(dataOf(oneOf(positionals, 'data set')), options);
    say(values.json ? JSON.stringify(dataset) : formatDataset(dataset));
  },
});
