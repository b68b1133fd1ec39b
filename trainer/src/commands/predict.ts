import { join, relative } from 'node:path';
import { fromUser } from '../files/project.ts';
import { defineCommand } from './options/command.ts';
import { findModel } from './options/find-model.ts';
import { nameOf, positiveOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const predictCommand = defineCommand({
  name: 'predict',
  about: 'Print what a model sees in images, which are files, folders or urls',
  details: 'An image that cannot be read is reported, and the others are predicted all the same.',
  takes: '<images...>',
  examples: [
    ['predict cat.jpg', "with ImageNet's classes"],
    ['predict https://x.org/dog.png --model pets', 'with your own model'],
    ['predict new-photos --model pets --json', 'a line of JSON each'],
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
    ...shared.flip,
    ...shared.json,
    ...shared.models,
    ...shared.compute,
  },
  async run({ values, positionals, say, report }) {
    if (positionals.length === 0)
      throw usage('Expected images, as files, folders or urls, but got none.');
    const { model, threads, top } = values;
    const folder = model && (await findModel(values.models ?? shared.MODELS, model));
    const { startBackend } = await import('../backends/start-backend.ts');
    const { loadModel, loadPretrained } = await import('../models/load-model.ts');
    const { averageFlips } = await import('../models/average-flips.ts');
    const { formatPredictions, predict } = await import('../evaluation/predict.ts');
    await startBackend(values.backend, () => {}, { threads });
    const loaded =
      folder === undefined
        ? await loadPretrained(values.backbone, values.weights)
        : await loadModel(folder);
    const classifier = values.flip ? averageFlips(loaded) : loaded;
    const several = classifier.multiLabel && { multiLabel: true };
    const images: GivenImage[] = [];
    for (const given of positionals) {
      await imagesOf(given).then((found) => images.push(...found), report);
    }
    for (const { image, source } of images) {
      try {
        const seen = await predict(classifier, source, top);
        if (values.json) say(JSON.stringify({ image, ...several, ...seen }));
        else say(formatPredictions(seen, images.length > 1 ? image : undefined));
      } catch (error) {
        // The others may well be images.
        report(error);
      }
    }
    classifier.dispose();
  },
});

interface GivenImage {
  /** As it was given, or as it is called below the folder that was given. */
  readonly image: string;
  readonly source: string;
}

async function imagesOf(given: string): Promise<GivenImage[]> {
  const { isUrl } = await import('../evaluation/predict.ts');
  if (isUrl(given)) return [{ image: given, source: given }];
  const { listImages } = await import('../datasets/list-images.ts');
  const path = fromUser(given);
  const sources = await listImages(path);
  return sources.map((source) => ({ image: join(given, relative(path, source)), source }));
}
