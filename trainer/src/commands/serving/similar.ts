import { fromUser } from '../../files/project.ts';
import { type Call, defineCommand } from '../options/command.ts';
import { findModel } from '../options/find-model.ts';
import { nameOf, oneOf, pathOf, positiveOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';

const options = {
  in: { group: 'Data', value: '<folder>', about: 'images to look among', parse: pathOf },
  index: {
    group: 'Data',
    value: '<file>',
    about: 'an index of them: written with --in, else searched',
    parse: pathOf,
  },
  vectorize: {
    group: 'Data',
    value: '<file>',
    about: 'with both: vectors for Cloudflare Vectorize',
    parse: pathOf,
  },
  model: {
    group: 'Network',
    value: '<id>',
    about: 'one of the models, by its id or folder',
    otherwise: "the index's, or imagenet",
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
} as const;

export const similar = defineCommand({
  name: 'similar',
  about: 'Find the images of a folder that are most like another one',
  details:
    "By a model's features: what it learned to tell apart counts. Every image of the folder is computed, unless it is in an index, which the Worker serves too.",
  takes: '[image]',
  examples: [
    ['similar cat.jpg --in photos --model pets', 'to your own model'],
    ['similar --in photos --index photos.index', 'write an index'],
    ['similar cat.jpg --index photos.index', 'look it up'],
  ],
  options,
  async run(call) {
    const { in: folder, index, vectorize } = call.values;
    if (call.positionals.length === 0 && folder !== undefined && index !== undefined) {
      return writeIndex(call, folder, index);
    }
    if (vectorize !== undefined) {
      throw usage('Expected --in and --index, and no image, with --vectorize.');
    }
    const given = oneOf(call.positionals, 'image');
    if ((folder === undefined) === (index === undefined)) {
      throw usage('Expected --in with a folder of images, or --index with an index, for an image.');
    }
    await findSimilar(call, given);
  },
});

type SimilarCall = Call<typeof options>;

async function writeIndex(
  { values, say, report }: SimilarCall,
  folder: string,
  file: string,
): Promise<void> {
  const directory = await modelOf(values, 'imagenet');
  const { writeImageIndex } = await import('../../export/search/write-image-index.ts');
  await start(values);
  const { signal } = new AbortController();
  const { vectorize } = values;
  const task = { folder, file, vectorize, signal, report };
  const { images, dimensions } = await writeImageIndex(directory, task);
  const written = `${images} images, in ${dimensions} dimensions`;
  const also = vectorize === undefined ? '' : `; their vectors are in ${vectorize}`;
  say(`Written to ${file}: ${written}${also}.`);
}

async function findSimilar({ values, say, report }: SimilarCall, given: string): Promise<void> {
  const { isUrl } = await import('../../evaluation/predict.ts');
  const { readImageIndex, similarImages, similarInIndex } = await import(
    '../../export/search/similar-images.ts'
  );
  const { in: folder, index: file, top, json } = values;
  const opened = file === undefined ? undefined : await readImageIndex(file);
  const directory = await modelOf(values, opened?.model ?? 'imagenet');
  await start(values);
  const { signal } = new AbortController();
  const task = { image: isUrl(given) ? given : fromUser(given), top, signal, report };
  const found = opened
    ? await similarInIndex(directory, opened.index, task)
    : await similarImages(directory, { ...task, folder: folder as string });
  if (json) return say(JSON.stringify(found));
  for (const { path, similarity } of found) say(`${similarity.toFixed(4)}  ${path}`);
}

function modelOf({ models, model }: SimilarCall['values'], otherwise: string): Promise<string> {
  return findModel(models ?? shared.MODELS, model ?? otherwise);
}

async function start({ backend, threads }: SimilarCall['values']): Promise<void> {
  const { startBackend } = await import('../../backends/start-backend.ts');
  await startBackend(backend, () => {}, { threads });
}
