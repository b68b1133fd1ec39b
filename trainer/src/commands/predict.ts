import { fromUser } from '../files/project.ts';
import { defineCommand } from './options/command.ts';
import { findModel } from './options/find-model.ts';
import { nameOf, positiveOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const predictCommand = defineCommand({
  name: 'predict',
  about: 'Print what a model sees in images, which are files or urls',
  details: 'An image that cannot be read is reported, and the others are predicted all the same.',
  takes: '<images...>',
  examples: [
    ['predict cat.jpg', "with ImageNet's classes"],
    ['predict https://x.org/dog.png --model pets', 'with your own model'],
    ['predict *.jpg --model pets --json', 'a line of JSON each'],
  ],
  options: {
    model: {
      group: 'Network',
      value: '<id>',
      about: 'one of the models, by its id or folder',
      otherwise: 'the pretrained network',
      parse: nameOf,
    },
    ...shared.network,
    ...shared.weights,
    top: {
      group: 'Output',
      value: '<n>',
      about: 'how many classes, the most probable first',
      default: '5',
      parse: positiveOf,
    },
    ...shared.json,
    ...shared.models,
    ...shared.compute,
  },
  async run({ values, positionals, say, report }) {
    if (positionals.length === 0) throw usage('Expected images, files or urls, but got none.');
    const { model, threads, top } = values;
    const folder = model && (await findModel(values.models ?? shared.MODELS, model));
    const { startBackend } = await import('../backends/start-backend.ts');
    const { loadModel, loadPretrained } = await import('../models/load-model.ts');
    const { formatPredictions, isUrl, predict } = await import('../evaluation/predict.ts');
    await startBackend(values.backend, () => {}, { threads });
    const classifier =
      folder === undefined
        ? await loadPretrained(values.backbone, values.weights)
        : await loadModel(folder);
    for (const image of positionals) {
      try {
        const predictions = await predict(classifier, isUrl(image) ? image : fromUser(image), top);
        const several = classifier.multiLabel && { multiLabel: true };
        if (values.json) say(JSON.stringify({ image, ...several, predictions }));
        else say(formatPredictions(predictions, positionals.length > 1 ? image : undefined));
      } catch (error) {
        // The others may well be images.
        report(error);
      }
    }
    classifier.dispose();
  },
});
