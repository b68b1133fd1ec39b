import { readdir } from 'node:fs/promises';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { findVersion } from '../../models/models-index.ts';
import { nearest } from './nearest.ts';
import { within } from './option-values.ts';

/**
 * The folder of a model.
 *
 * @param models folder of the models
 * @param name the id of one of them, which means its current version; `id@version`; or a path
 * @throws TrainerError `model_invalid` naming the ids that there are
 */
export async function findModel(models: string, name: string): Promise<string> {
  const listed = /[/\\]/.test(name) ? undefined : await findVersion(models, name);
  return findFolder('model', models, listed ?? name, 'model.json');
}

/**
 * The folder of a run.
 *
 * @param runs folder of the runs
 * @param name of its folder, or a path
 * @throws TrainerError `run_invalid` naming the runs that there are
 */
export async function findRun(runs: string, name: string): Promise<string> {
  return findFolder('run', runs, name, 'log.jsonl');
}

/** @param mark a file that each has */
async function findFolder(
  kind: 'model' | 'run',
  folder: string,
  name: string,
  mark: string,
): Promise<string> {
  const path = within(folder, name);
  if (path === within('.', name)) return path;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isFile()).map((entry) => entry.name);
  if (names.includes(name)) return path;
  const known: string[] = [];
  for (const one of names) {
    const files = await readdir(within(folder, one)).catch(() => [] as string[]);
    if (files.includes(mark)) known.push(one);
  }
  // Runs begin with their time: the latest first.
  const listed = kind === 'run' ? known.toSorted().reverse() : known;
  const meant = nearest(name, known);
  const there = known.length === 0 ? `there are no ${kind}s` : `there are ${listNames(listed, 10)}`;
  throw new TrainerError(
    `${kind}_invalid`,
    `There is no ${kind} ${name} in ${folder}: ${there}${meant ? `; did you mean ${meant}?` : '.'}`,
  );
}
