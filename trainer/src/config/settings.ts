import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import { findSettings } from '../files/project.ts';
import type { RecipeName } from './registry.ts';
import { type TrainConfig, trainConfig } from './train-config.ts';

type Fields<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: Fields<T[Name]> }
    : T;

/** What a project's `graft.config.ts` sets. The command line goes before it. */
export interface GraftConfig extends Fields<Omit<TrainConfig, 'name'>> {
  /** The recipe whose fields the others here replace; by default `photos` for a folder, and `fast` else. */
  readonly config?: RecipeName;
  /** A folder with a folder of images for each class, from the file's folder; or a known data set. */
  readonly data?: string;
  /** The model's name in urls: lower-case letters, digits and hyphens. By default it is the data set's. */
  readonly id?: string;
}

/** Types what a `graft.config.ts` exports as its default, so that an editor completes it. */
export function defineConfig(config: GraftConfig): GraftConfig {
  return config;
}

/** A file of settings that was read. */
export interface Settings {
  readonly file: string;
  readonly config: string | undefined;
  readonly data: string | undefined;
  readonly id: string | undefined;
  /** Those of the experiment, of any type. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const settings = z.looseObject({
  config: z.string().optional(),
  data: z.string().optional(),
  id: z.string().optional(),
});

/**
 * Reads the nearest `graft.config.ts`, if there is one.
 *
 * @throws TrainerError `config_invalid`
 */
export async function readSettings(file = findSettings()): Promise<Settings | undefined> {
  if (file === undefined) return undefined;
  const module = await load(file);
  const parsed = settings.safeParse(module['default']);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = issue?.path.length
      ? `a text for ${issue.path.join('.')} in ${file}`
      : `${file} to have settings as its default export`;
    throw invalid(`Expected ${what}: write export default defineConfig({ data: './photos' });`);
  }
  const { config, data, id, ...fields } = parsed.data;
  return { file, config, data, id, fields };
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw invalid(
        `Expected Node 22.18 or later, which reads ${basename(file)}, but this is Node ${process.versions.node}.`,
        cause,
      );
    }
    const [first = ''] = message.split('\n');
    throw invalid(`${file} cannot be read: ${first.replace(/\.$/, '')}.`, cause);
  }
}

/**
 * A recipe with the fields of a file of settings.
 *
 * @throws TrainerError `config_invalid` naming the field
 */
export function applySettings(recipe: TrainConfig, { file, fields }: Settings): TrainConfig {
  const result = trainConfig.safeParse(merge(recipe, fields));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join('.');
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const name = path ? `${path}.${key}` : key;
    throw invalid(
      `There is no setting ${name}, which ${file} has: graft train --help-all lists all.`,
    );
  }
  throw invalid(`Expected another value for ${path} in ${file}: ${issue?.message}.`);
}

function merge(base: unknown, changes: unknown): unknown {
  if (!isRecord(base) || !isRecord(changes)) return changes;
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  return {
    ...base,
    ...Object.fromEntries(changed.map(([name, value]) => [name, merge(base[name], value)])),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, cause?: unknown): TrainerError {
  return new TrainerError('config_invalid', message, cause);
}
