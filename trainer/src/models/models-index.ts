import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import { type ModelsIndex, modelsIndex, splitReference } from 'shared/contract/models-index';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { TrainerError } from '../errors.ts';
import { listNames } from '../files/list-names.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';

/** A version of a model in a folder of models. */
export interface Version {
  /** The directory's name: `id`, or `id@version`. */
  readonly directory: string;
  readonly version: string;
  readonly card: ModelCard;
}

/** How a version is tried before it becomes the current one. */
interface Trial {
  /** Of the clients, 0–1; with 1 and no shadow it becomes the current one. */
  readonly share: number;
  /** Whether it only computes beside the current one. */
  readonly shadow: boolean;
}

/**
 * Lists a model in `index.json` of a folder of models, which the Worker reads, as the current version of
 * its id.
 *
 * @param directory its name
 * @param isCandidate whether it leaves another version the current one, where there is one
 */
export async function listModel(
  models: string,
  directory: string,
  isCandidate = false,
): Promise<void> {
  const { id } = splitReference(directory);
  const index = (await readIndex(models)) ?? { default: id, models: [] };
  const current = index.models.find((name) => splitReference(name).id === id);
  if (current === directory || (isCandidate && index.models.includes(directory))) return;
  const others = index.models.filter((name) => name !== directory);
  const at = current === undefined || isCandidate ? others.length : others.indexOf(current);
  await writeIndex(models, { ...index, models: others.toSpliced(at, 0, directory) });
}

/** Puts a directory into the place that another one, with another version in its name, has in the index. */
export async function relistModel(
  models: string,
  former: string,
  directory: string,
): Promise<void> {
  const index = await readIndex(models);
  if (!index?.models.includes(former)) return listModel(models, directory);
  const { id, version = '' } = splitReference(directory);
  const tried = index.candidates?.[id];
  const isTried = tried?.version === splitReference(former).version;
  await writeIndex(models, {
    ...index,
    models: index.models.map((name) => (name === former ? directory : name)),
    ...(tried && isTried && { candidates: { ...index.candidates, [id]: { ...tried, version } } }),
  });
}

/** The directory of the version that an id means, or of `id@version`; undefined where none is listed. */
export async function findVersion(models: string, reference: string): Promise<string | undefined> {
  const index = await readIndex(models);
  const { id, version } = splitReference(reference);
  for (const directory of index?.models ?? []) {
    const listed = splitReference(directory);
    if (listed.id !== id) continue;
    if (version === undefined || (await versionIn(models, directory)) === version) return directory;
  }
  return undefined;
}

/**
 * Makes a version the current one, or has it tried on a share of the clients.
 *
 * @param reference `id@version`
 * @returns the current version after that, and before it
 * @throws TrainerError `model_invalid`
 */
export async function promoteVersion(
  models: string,
  reference: string,
  { share, shadow }: Trial,
): Promise<{ readonly current: Version; readonly former: Version }> {
  const { index, id, versions, current } = await openVersions(models, reference);
  const chosen = pickVersion(reference, versions);
  if (chosen === current && (share < 1 || shadow)) {
    throw invalid(`Expected another version than ${reference}, which is the current one already`);
  }
  const isTrial = share < 1 || shadow;
  if (!isTrial) await writeOrder(models, index, [chosen, ...versions]);
  else {
    const candidate = { version: chosen.version, share, ...(shadow && { shadow }) };
    await writeIndex(models, { ...index, candidates: { ...index.candidates, [id]: candidate } });
  }
  return { current: isTrial ? current : chosen, former: current };
}

/**
 * Ends the trial of a candidate, or returns to the version before the current one, or to the named one.
 *
 * @param reference `id`, or `id@version`
 * @returns the current version after that, and the one that is no longer served
 * @throws TrainerError `model_invalid`
 */
export async function rollBack(
  models: string,
  reference: string,
): Promise<{ readonly current: Version; readonly former: Version | undefined }> {
  const { index, id, version, versions, current } = await openVersions(models, reference);
  const tried = index.candidates?.[id];
  if (version === undefined && tried) {
    await writeOrder(models, index, versions);
    return { current, former: versions.find((one) => one.version === tried.version) };
  }
  const [, before] = versions;
  const chosen = version === undefined ? before : pickVersion(reference, versions);
  if (!chosen || chosen === current) {
    throw invalid(`Expected a version of ${id} to return to, but ${listVersions(versions)}`);
  }
  // The one that was left comes last, so that the next rollback goes further back.
  const left = versions.filter((one) => one !== current && one !== chosen);
  await writeOrder(models, index, [chosen, ...left, current]);
  return { current: chosen, former: current };
}

async function openVersions(models: string, reference: string) {
  const index = await readIndex(models);
  if (!index) {
    throw invalid(`Expected index.json of the models in ${models}, but there is none to read`);
  }
  const { id, version } = splitReference(reference);
  const versions: Version[] = [];
  for (const directory of index.models.filter((name) => splitReference(name).id === id)) {
    const read = await readModelCard(modelFiles(join(models, directory))).catch(() => undefined);
    if (read) versions.push({ directory, version: read.version, card: read.card });
  }
  const [current] = versions;
  if (current) return { index, id, version, versions, current };
  const ids = [...new Set(index.models.map((name) => splitReference(name).id))];
  throw invalid(`There is no model ${id} in ${models}: there are ${listNames(ids, 10)}`);
}

function pickVersion(reference: string, versions: readonly Version[]): Version {
  const { id, version } = splitReference(reference);
  const picked = versions.find((one) => one.version === version);
  if (picked) return picked;
  const asked = version === undefined ? 'without a version' : `version ${version}`;
  throw invalid(`Expected a version, ${id}@…, but got ${id} ${asked}: ${listVersions(versions)}`);
}

function listVersions(versions: readonly Version[]): string {
  const texts = versions.map(({ version }) => version);
  return `there is ${listNames(texts, 10)}, of which the first is the current one`;
}

/** Writes the versions of an id in an order, the current one first, and ends the trial of a candidate. */
async function writeOrder(
  models: string,
  index: ModelsIndex,
  versions: readonly Version[],
): Promise<void> {
  const order = new Set(versions.map(({ directory }) => directory));
  const [first = ''] = order;
  const { id } = splitReference(first);
  const { [id]: _, ...candidates } = index.candidates ?? {};
  const at = index.models.findIndex((name) => order.has(name));
  const others = index.models.filter((name) => !order.has(name));
  await writeIndex(models, {
    // A default that names a version would stay where it is.
    default: splitReference(index.default).id === id ? id : index.default,
    models: others.toSpliced(at, 0, ...order),
    ...(Object.keys(candidates).length > 0 && { candidates }),
  });
}

async function readIndex(models: string): Promise<ModelsIndex | undefined> {
  const text = await readFile(join(models, 'index.json'), 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : modelsIndex.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function writeIndex(models: string, index: ModelsIndex): Promise<void> {
  return writeFileAtomically(join(models, 'index.json'), `${JSON.stringify(index)}\n`);
}

async function versionIn(models: string, directory: string): Promise<string | undefined> {
  const { version } = splitReference(directory);
  if (version !== undefined) return version;
  const read = await readModelCard(modelFiles(join(models, directory))).catch(() => undefined);
  return read?.version;
}

function invalid(sentence: string): TrainerError {
  return new TrainerError('model_invalid', `${sentence}.`);
}
