import { type ModelsIndex, modelsIndex, splitReference } from 'shared/contract/models-index';
import { type ModelDescription, readModelCard } from 'shared/inference/model-directory';
import type { Env } from '../env.ts';
import { SharedResults } from '../isolate/shared-results.ts';
import { ProblemError } from '../problem.ts';
import { readModelFile } from './model-source.ts';

/** A model that the index lists, with its card. */
export interface ListedModel extends ModelDescription {
  readonly id: string;
  /** The directory's name: the id, or `id@version`. */
  readonly directory: string;
}

/** A bucket's index may change at any time; the assets change only with the Worker. */
const bucketIndex = new SharedResults<ModelsIndex>({ maxAgeMs: 60_000 });
const assetsIndex = new SharedResults<ModelsIndex>();
const descriptions = new SharedResults<ModelDescription>();

/** The models that this Worker serves. */
export function loadModelsIndex(env: Env): Promise<ModelsIndex> {
  return (env.MODELS ? bucketIndex : assetsIndex).get('', async () => {
    const bytes = await readModelFile(env, 'index.json');
    return modelsIndex.parse(JSON.parse(new TextDecoder().decode(bytes)));
  });
}

/**
 * A model's card and version, without its weights.
 *
 * @throws Error when a directory named `id@version` holds another version, or a directory of a bucket
 *   is not named so
 */
export function loadModelCard(env: Env, directory: string): Promise<ModelDescription> {
  return descriptions.get(directory, async () => {
    const read = await readModelCard((name) => readModelFile(env, `${directory}/${name}`));
    const named = splitReference(directory).version;
    if (named !== read.version && (named !== undefined || env.MODELS)) {
      throw new Error(
        `The directory ${directory} must be named after its model's version, ${read.version}.`,
      );
    }
    return read;
  });
}

/**
 * The model that a request means: the index's default, an `id`, or `id@version`. Of several versions,
 * the bare id means the one that the index lists first, so that a rollback only changes the order.
 *
 * @throws ProblemError `unknown_model`
 */
export async function resolveModel(env: Env, reference: string | undefined): Promise<ListedModel> {
  const index = await loadModelsIndex(env);
  const { id, version } = splitReference(reference ?? index.default);
  for (const directory of index.models) {
    const listed = splitReference(directory);
    if (listed.id !== id || (version ?? listed.version) !== (listed.version ?? version)) continue;
    const model = await loadListed(env, directory);
    if (version === undefined || version === model.version) return model;
  }
  throw new ProblemError(
    'unknown_model',
    `The service has no such model; it has ${index.models.join(', ')}.`,
  );
}

/**
 * Each id with all of its versions, in the index's order: the current one is first. A model that cannot
 * be read is left out, and the log says why.
 */
export async function listModels(env: Env): Promise<Map<string, ListedModel[]>> {
  const models = new Map<string, ListedModel[]>();
  for (const directory of (await loadModelsIndex(env)).models) {
    try {
      const model = await loadListed(env, directory);
      models.set(model.id, [...(models.get(model.id) ?? []), model]);
    } catch (error) {
      console.error(`The model in ${directory} cannot be read.`, error);
    }
  }
  return models;
}

async function loadListed(env: Env, directory: string): Promise<ListedModel> {
  const description = await loadModelCard(env, directory);
  return { ...description, id: splitReference(directory).id, directory };
}
