import { defineCommand } from './options/command.ts';
import { findModel } from './options/find-model.ts';
import { dataBeside, oneOf } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const evaluateCommand = defineCommand({
  name: 'evaluate',
  about: 'Measure a model on the test images of a data set',
  details:
    'As the Worker runs it. Of a folder without test images it takes those that the training held out, where ' +
    'it is the same folder, or else all.',
  takes: '<model>',
  examples: [
    ['evaluate cifar10', 'on CIFAR-10'],
    ['evaluate pets --data photos', 'on your photos'],
    ['evaluate ./my-model --data photos --json', 'one line of JSON'],
  ],
  options: {
    ...shared.data,
    ...shared.reading,
    ...shared.json,
    ...shared.models,
    ...shared.compute,
  },
  async run({ values, positionals, say }) {
    const { strict, folders, labels, threads } = values;
    const data = values.data ?? dataBeside(labels) ?? null;
    const model = await findModel(values.models ?? shared.MODELS, oneOf(positionals, 'model'));
    const note = values.json ? () => {} : say;
    const { startBackend } = await import('../backends/start-backend.ts');
    const { evaluateModel } = await import('../evaluation/evaluate-model.ts');
    const { formatEvaluation } = await import('../evaluation/format-evaluation.ts');
    await startBackend(values.backend, note, { threads });
    const { signal } = new AbortController();
    const evaluation = await evaluateModel(model, {
      ...{ data, strict, folders, labels, signal },
      say: note,
    });
    say(values.json ? JSON.stringify(evaluation) : formatEvaluation(evaluation));
  },
});
