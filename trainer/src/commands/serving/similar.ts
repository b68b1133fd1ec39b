import { fromUser } from '../../files/project.ts';
import { defineCommand } from '../options/command.ts';
import { findModel } from '../options/find-model.ts';
import { nameOf, oneOf, pathOf, positiveOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';

export const similar = defineCommand({
  name: 'similar',
  about: 'Find the images of a folder that are most like another one',
  details:
    "By a model's features: what it learned to tell apart counts. Every image of the folder is computed.",
  takes: '<image>',
  examples: [
    ['similar cat.jpg --in photos', 'to the pretrained network'],
    ['similar cat.jpg --in photos --model pets', 'to your own model'],
    ['similar cat.jpg --in photos --top 20 --json', 'more, for programs'],
  ],
  options: {
    in: { group: 'Data', value: '<folder>', about: 'images to look among', parse: pathOf },
    model: {
      group: 'Network',
      value: '<id>',
      about: 'one of the models, by its id or folder',
      otherwise: 'imagenet',
      parse: nameOf,
    },
    top: {
      group: 'Output',
      value: '<n>',
      about: 'how many images, the most similar first',
      default: '5',
      parse: positiveOf,
    },
    ...shared.json,
    ...shared.models,
    ...shared.compute,
  },
  async run({ values, positionals, say, report }) {
    const given = oneOf(positionals, 'image');
    const { in: folder, model = 'imagenet', top, threads, json } = values;
    if (folder === undefined) throw usage('Expected --in with a folder of images, but got none.');
    const directory = await findModel(values.models ?? shared.MODELS, model);
    const { startBackend } = await import('../../backends/start-backend.ts');
    const { isUrl } = await import('../../evaluation/predict.ts');
    const { similarImages } = await import('../../export/similar-images.ts');
    await startBackend(values.backend, () => {}, { threads });
    const { signal } = new AbortController();
    const image = isUrl(given) ? given : fromUser(given);
    const found = await similarImages(directory, { image, folder, top, signal, report });
    if (json) return say(JSON.stringify(found));
    for (const { path, similarity } of found) say(`${similarity.toFixed(4)}  ${path}`);
  },
});
