import { readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { modelId } from 'shared/contract/model-card';
import { backendNames } from '../../backends/start-backend.ts';
import { BY_FOLDERS } from '../../datasets/folders/find-splits.ts';
import { LIST } from '../../datasets/folders/folder-reader.ts';
import { knownDatasets } from '../../datasets/open-dataset.ts';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { fromUser } from '../../files/project.ts';
import { nearest } from './nearest.ts';

// What options and arguments stand for; what stands for nothing throws `config_invalid`.

export const BACKENDS = ['auto', ...backendNames] as const;

/** A word, or the path of a file. */
export function weightsOf(text: string, option = 'weights'): string {
  return text === 'imagenet' || text === 'none' ? text : pathOf(text, option);
}

/** What says which labels an image has: the path of a file, or that its folders do. */
export function labelsOf(text: string, option: string): string {
  return text === BY_FOLDERS ? text : pathOf(text, option);
}

/** The images that a file of labels is for, where nothing else names them: those beside it. */
export function dataBeside(labels: string | undefined): string | undefined {
  return labels === undefined || labels === BY_FOLDERS ? undefined : dirname(labels);
}

/** The path of a file or folder; an empty text would be the folder that the command was typed in. */
export function pathOf(text: string, option: string): string {
  return fromUser(nameOf(text, option));
}

/** @returns the text, which is not empty */
export function nameOf(text: string, option: string): string {
  if (text !== '') return text;
  throw usage(`Expected a value for --${option}, but got an empty text.`);
}

/**
 * A name, or the path of a folder, of a zip file of one, or of CIFAR's archive.
 *
 * @throws TrainerError `dataset_invalid` where there is none
 */
export function dataOf(data: string, option = 'data'): string {
  const known = Object.keys(knownDatasets);
  if (known.includes(data)) return data;
  const path = pathOf(data, option);
  const refused = (but: string) =>
    new TrainerError(
      'dataset_invalid',
      `Expected a folder of images, a zip file of one, a list of images (.csv, .tsv), or one of ${known.join(', ')}, for --data, but ${but}${but.endsWith('?') ? '' : '.'}`,
    );
  if (/^\w+:\/\//.test(data)) {
    throw refused(`got the url ${data}: download and unpack it, and name the folder`);
  }
  const stats = lookUp(path);
  if (stats === undefined) {
    const names = [...known, ...namesIn(dirname(path))];
    const meant = nearest(basename(path), names);
    throw refused(`there is nothing at ${path}${meant ? `; did you mean ${meant}?` : ''}`);
  }
  if (stats.isDirectory() || LIST.test(path) || /\.(tar\.gz|tgz|zip)$/i.test(path)) return path;
  if (/\.(rar|7z|tar|gz|xz|bz2|zst)$/i.test(path)) {
    throw refused(`${path} is an archive: unpack it, and name the folder`);
  }
  throw refused(
    stats.isFile()
      ? `${path} is a file: name the folder that it is in`
      : `${path} is neither a folder nor a file`,
  );
}

function lookUp(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Such as a folder on the way that may not be entered.
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** @param option whose text must be one of the choices */
export function choiceOf<T extends string>(option: string, choices: readonly T[], text: string): T {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw usage(`Expected one of ${choices.join(', ')} for --${option}, but got ${text}.`);
}

export function positiveOf(text: string, option: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw usage(`Expected a whole number from 1 for --${option}, but got ${text}.`);
}

/** @param above which it must be */
export function shareOf(text: string, option: string, above = 0): number {
  const share = Number(text);
  if (share > above && share < 1) return share;
  throw usage(`Expected --${option} to be a share above ${above} and below 1, but got ${text}.`);
}

/** A layer's number, or its name. */
export function layerOf(text: string): string | number {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** A name means what lies in `folder`; anything else is a path. */
export function within(folder: string, name: string): string {
  return /[/\\]|^\.*$/.test(name) ? fromUser(name) : join(folder, name);
}

export function oneOf(positionals: readonly string[], what: string): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    const got = positionals.length === 0 ? 'none' : listNames(positionals, 5);
    throw usage(`Expected one ${what}, but got ${got}.`);
  }
  return name;
}

export function idOf(id: string): string {
  const parsed = modelId.safeParse(id);
  if (parsed.success) return id;
  throw usage(`Expected ${parsed.error.issues[0]?.message} for --id, but got ${id}.`);
}

export function threadsOf(text: string, option: string): number {
  const threads = positiveOf(text, option);
  if (threads <= 1024) return threads;
  throw usage(`Expected a whole number up to 1024 for --${option}, but got ${text}.`);
}

export function portOf(text: string, option: string): number {
  const port = positiveOf(text, option);
  if (port <= 65535) return port;
  throw usage(`Expected a port up to 65535 for --${option}, but got ${text}.`);
}

export function usage(message: string, cause?: unknown): TrainerError {
  return new TrainerError('config_invalid', `${message} See --help.`, cause);
}

/** @param what it is, for the sentence where it is not set */
export function fromEnvironment(name: string, what: string): string {
  const value = process.env[name];
  if (value) return value;
  throw usage(`Expected ${what} in the environment variable ${name}, but it is not set.`);
}

/** As a shell takes it for one word. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
