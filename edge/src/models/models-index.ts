import {
  type ModelDescription,
  type ModelsIndex,
  modelsIndex,
  readModelCard,
} from 'shared/inference/model-directory';
import type { Env } from '../env.ts';
import { oncePerIsolate } from '../isolate/once-per-isolate.ts';
import { ProblemError } from '../problem.ts';
import { readModelFile } from './model-source.ts';

/** A model that the index lists. */
export interface ListedModel {
  readonly id: string;
  readonly version: string;
  /** Its directory's name: the id, or `id@version`. */
  readonly directory: string;
}

/** A bucket's index may change at any time; the assets change with the Worker only. */
const BUCKET_INDEX_MAX_AGE_MS = 60_000;

/** The models that this Worker serves. */
export function loadModelsIndex(env: Env): Promise<ModelsIndex> {
  return oncePerIsolate(
    'index',
    async () => {
      const bytes = await readModelFile(env, 'index.json');
      return modelsIndex.parse(JSON.parse(new TextDecoder().decode(bytes)));
    },
    env.MODELS ? BUCKET_INDEX_MAX_AGE_MS : undefined,
  );
}

/**
 * A model's card and version, without its weights.
 *
 * @throws Error when a directory called `id@version` holds another one, or one of a bucket is called
 *   otherwise
 */
export function loadModelCard(env: Env, directory: string): Promise<ModelDescription> {
  return oncePerIsolate(`card ${directory}`, async () => {
    const read = await readModelCard((name) => readModelFile(env, `${directory}/${name}`));
    const named = splitReference(directory).version;
    if (named !== read.version && (named !== undefined || env.MODELS)) {
      throw new Error(`The model in ${directory} has the version ${read.version}.`);
    }
    return read;
  });
}

/**
 * Which model a request means: the index's default, an `id`, or `id@version`. Of several versions
 * the bare id means the one that the index lists first, so that rolling back is a matter of order.
 *
 * @throws ProblemError `unknown_model`
 */
export async function resolveModel(env: Env, reference: string | undefined): Promise<ListedModel> {
  const index = await loadModelsIndex(env);
  const { id, version } = splitReference(reference ?? index.default);
  for (const directory of index.models) {
    const listed = splitReference(directory);
    if (listed.id !== id) continue;
    const actual = listed.version ?? (await loadModelCard(env, directory)).version;
    if (version === undefined || version === actual) return { id, version: actual, directory };
  }
  throw new ProblemError(
    'unknown_model',
    `There is no such model; this service has ${index.models.join(', ')}.`,
  );
}

/**
 * Each id with all of its versions, in the index's order: the current one is first. One that cannot be
 * read is left out, and the log says why.
 */
export async function listModels(env: Env): Promise<Map<string, ListedModel[]>> {
  const models = new Map<string, ListedModel[]>();
  for (const directory of (await loadModelsIndex(env)).models) {
    const { id } = splitReference(directory);
    try {
      const { version } = await loadModelCard(env, directory);
      models.set(id, [...(models.get(id) ?? []), { id, version, directory }]);
    } catch (error) {
      console.error(`The model in ${directory} cannot be read.`, error);
    }
  }
  return models;
}

function splitReference(reference: string): { id: string; version: string | undefined } {
  const [id = '', version] = reference.split('@', 2);
  return { id, version };
}
