import { basename, join } from 'node:path';
import { configFields, overrideConfig } from '../../config/config-fields.ts';
import { configs } from '../../config/registry.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { knownDatasets } from '../../datasets/open-dataset.ts';
import { checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import type { Call } from './command.ts';
import { findRun } from './find-model.ts';
import { quoted, usage, weightsOf } from './option-values.ts';
import * as shared from './shared-options.ts';

/** Those that say which training is meant, on which images. */
export const runOptions = {
  ...shared.data,
  ...shared.reading,
  ...shared.config,
  ...shared.resume,
  ...shared.compute,
  ...shared.runs,
} as const;

type RunCall = Pick<Call<typeof runOptions>, 'values' | 'fields'>;

/** They come after the training: a finished run is exported anew. */
const EXPORT_FIELDS: readonly string[] = ['quantize', 'arithmetic'];

/** A new run's folder and experiment, or those of the run to continue. */
export async function chooseRun({
  values,
  fields,
}: RunCall): Promise<{ directory: string; config: TrainConfig; data: string | null }> {
  const runs = values.runs ?? shared.RUNS;
  if (values.resume !== undefined) {
    const resumed = await findRun(runs, values.resume);
    const given = { config: values.config, data: values.data, ...fields };
    const extra = ['config', 'data', ...configFields.map(({ path }) => path)].find(
      (name) => given[name as keyof typeof given] !== undefined && !EXPORT_FIELDS.includes(name),
    );
    if (extra !== undefined) {
      throw usage(`Expected no --${extra} with --resume, which goes on as the run began.`);
    }
    const { header } = await loadCheckpoint(checkpointIn(resumed));
    return { directory: resumed, config: overrideConfig(header.config, fields), data: header.data };
  }
  const { weights } = fields;
  const config = overrideConfig(configs[values.config ?? recipeFor(values.data)] as TrainConfig, {
    ...fields,
    ...(weights === undefined ? {} : { weights: weightsOf(weights) }),
  });
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    directory: join(runs, `${time}-${config.name}`),
    config,
    data: values.data ?? null,
  };
}

/** The recipe for some images, where the user names none. */
function recipeFor(data: string | undefined): string {
  const isFolder =
    data !== undefined && !Object.hasOwn(knownDatasets, data) && !/\.(tar\.gz|tgz)$/.test(data);
  return isFolder ? 'photos' : 'fast';
}

/** How a command of this program is typed, such as `train --resume <run>`. */
export function graft(words: string): string {
  return `npx -y pnpm@10 graft ${words}`;
}

/** With what the checkpoint does not hold. */
export function resumeCommand(
  directory: string,
  { id, models, photos, backend, threads, folders, strict }: ResumeValues,
): string {
  const options = { resume: directory, id, models, photos, backend, threads, folders };
  const given = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !(name === 'backend' && value === 'auto'),
  );
  const words = given.flatMap(([name, value]) => [`--${name}`, quoted(`${value}`)]);
  return graft(['train', ...words, ...(strict ? ['--strict'] : [])].join(' '));
}

type ResumeValues = RunCall['values'] &
  Readonly<Record<'id' | 'models' | 'photos', string | undefined>>;

/** A new run in its usual place is the latest, and needs no name. */
export function watchCommand(directory: string, { resume, runs }: RunCall['values']): string {
  const isLatest = resume === undefined && runs === undefined;
  return graft(isLatest ? 'report --live' : `report ${quoted(directory)} --live`);
}

/** A training's command, as it was typed. */
export function typedCommand(typed: readonly string[]): string {
  return graft(['train', ...typed.map(quoted)].join(' '));
}

/** The same, but of paths the last part only: the model card that holds it is public. */
export function publicCommand(typed: readonly string[], command = 'train'): string {
  const words = typed.map((argument) => {
    const [, option = '', value = argument] = /^(--[^=]+=)(.*)$/s.exec(argument) ?? [];
    return option + quoted(basename(value));
  });
  return graft([command, ...words].join(' '));
}
