import { defineCommand } from './options/command.ts';
import { findModel } from './options/find-model.ts';
import { nameOf, oneOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { dataFor } from './options/trained-on.ts';

export const evaluateCommand = defineCommand({
  name: 'evaluate',
  about: 'Measure a model on the test images of a data set, or compare two',
  details:
    'As the Worker runs it. Without --data it takes what the model was trained on, where its run is still there. Of a folder ' +
    'without test images it takes those that the training held out, where it is the same folder, or else all.',
  takes: '<model>',
  examples: [
    ['evaluate pets', 'on photos that it was not trained on'],
    ['evaluate pets --data photos', 'on others'],
    ['evaluate ./my-model --against pets', 'both on the same images'],
  ],
  options: {
    ...shared.data,
    against: {
      group: 'Data',
      value: '<model>',
      about: 'another, to compare with on the same images',
      parse: nameOf,
    },
    ...shared.reading,
    ...shared.flip,
    ...shared.json,
    ...shared.models,
    ...shared.runs,
    ...shared.compute,
  },
  async run({ values, positionals, say }) {
    const { strict, folders, flip, threads } = values;
    const models = values.models ?? shared.MODELS;
    const model = await findModel(models, oneOf(positionals, 'model'));
    const against = values.against && (await findModel(models, values.against));
    const note = values.json ? () => {} : say;
    const { data, labels, isOwn } = await dataFor(values, model);
    if (isOwn && data) note(`Reading ${data}, the data of its training; --data names others.`);
    if (values.labels !== undefined && against !== undefined) {
      throw usage(
        'Expected no --labels with --against: models of several labels are not compared.',
      );
    }
    const { startBackend } = await import('../backends/start-backend.ts');
    await startBackend(values.backend, note, { threads });
    const { signal } = new AbortController();
    const options = { data, strict, folders, labels, flip, signal, say: note };
    if (against === undefined) {
      const { evaluateModel } = await import('../evaluation/evaluate-model.ts');
      const { formatEvaluation } = await import('../evaluation/format-evaluation.ts');
      const evaluation = await evaluateModel(model, options);
      return say(values.json ? JSON.stringify(evaluation) : formatEvaluation(evaluation));
    }
    const { compareModels, formatComparison } = await import('../evaluation/compare-models.ts');
    const comparison = await compareModels(model, against, options);
    say(values.json ? JSON.stringify(comparison) : formatComparison(comparison));
  },
});
