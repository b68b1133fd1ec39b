import { basename, dirname, join, resolve } from 'node:path';
import { configFields, overrideConfig } from '../../config/config-fields.ts';
import { forNetwork } from '../../config/for-network.ts';
import { forSeveralLabels } from '../../config/for-several-labels.ts';
import { configs } from '../../config/registry.ts';
import { applySettings, readSettings, type Settings } from '../../config/settings.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { knownDatasets } from '../../datasets/open-dataset.ts';
import { graft } from '../../files/project.ts';
import { checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import type { Call } from './command.ts';
import { findRun } from './find-model.ts';
import { choiceOf, dataBeside, dataOf, idOf, quoted, usage, weightsOf } from './option-values.ts';
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
export async function chooseRun({ values, fields }: RunCall): Promise<ChosenRun> {
  const settings = await readSettings();
  const id = settings?.id === undefined ? undefined : idOf(settings.id);
  const runs = values.runs ?? shared.RUNS;
  if (values.resume !== undefined) {
    const resumed = await findRun(runs, values.resume);
    const given = { config: values.config, data: values.data, labels: values.labels, ...fields };
    const extra = ['config', 'data', 'labels', ...configFields.map(({ path }) => path)].find(
      (name) => given[name as keyof typeof given] !== undefined && !EXPORT_FIELDS.includes(name),
    );
    if (extra !== undefined) {
      throw usage(`Expected no --${extra} with --resume, which goes on as the run began.`);
    }
    const { header } = await loadCheckpoint(checkpointIn(resumed));
    const resumedConfig = overrideConfig(header.config, fields);
    const { data, labels } = header;
    return { directory: resumed, config: resumedConfig, data, labels, id };
  }
  const { labels } = values;
  const given = values.data ?? dataBeside(labels);
  const name = choiceOf(
    'config',
    Object.keys(configs),
    values.config ?? settings?.config ?? recipeFor(given ?? settings?.data),
  );
  const named = configs[name] as TrainConfig;
  const fitting = labels === undefined ? named : forSeveralLabels(named);
  const recipe = forNetwork(fitting, { ...settings?.fields, ...fields });
  const { weights } = fields;
  const config = overrideConfig(settings ? applySettings(recipe, besideFile(settings)) : recipe, {
    ...fields,
    ...(weights === undefined ? {} : { weights: weightsOf(weights) }),
  });
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    directory: join(runs, `${time}-${config.name}`),
    config,
    data: given ?? (settings ? dataOfSettings(settings) : null),
    labels,
    id,
  };
}

/** The recipe for some images, where the user names none. */
function recipeFor(data: string | undefined): string {
  const isFolder =
    data !== undefined && !Object.hasOwn(knownDatasets, data) && !/\.(tar\.gz|tgz)$/.test(data);
  return isFolder ? 'photos' : 'fast';
}

interface ChosenRun {
  readonly directory: string;
  readonly config: TrainConfig;
  readonly data: string | null;
  /** What says which labels an image has, where it may have several. */
  readonly labels: string | undefined;
  /** The model's, where a file of settings has one. */
  readonly id: string | undefined;
}

/** The same, whose weights are not meant from where the command was typed. */
function besideFile(settings: Settings): Settings {
  const { weights } = settings.fields;
  if (typeof weights !== 'string' || weights === 'imagenet' || weights === 'none') return settings;
  const path = resolve(dirname(settings.file), weights);
  return { ...settings, fields: { ...settings.fields, weights: path } };
}

function dataOfSettings({ file, data }: Settings): string | null {
  if (data === undefined) return null;
  return dataOf(data in knownDatasets ? data : resolve(dirname(file), data));
}

/** With what the checkpoint does not hold. */
export function resumeCommand(
  directory: string,
  { id, models, photos, backend, threads, folders, strict, candidate }: ResumeValues,
): string {
  const options = { resume: directory, id, models, photos, backend, threads, folders };
  const given = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !(name === 'backend' && value === 'auto'),
  );
  const words = given.flatMap(([name, value]) => [`--${name}`, quoted(`${value}`)]);
  const switches = Object.entries({ strict, candidate }).filter(([, isOn]) => isOn);
  return graft(['train', ...words, ...switches.map(([name]) => `--${name}`)].join(' '));
}

type ResumeValues = RunCall['values'] &
  Readonly<Record<'id' | 'models' | 'photos', string | undefined>> & {
    readonly candidate?: boolean;
  };

/** A new run in its usual place is the latest, and needs no name. */
export function watchCommand(directory: string, { resume, runs }: RunCall['values']): string {
  const isLatest = resume === undefined && runs === undefined;
  return graft(isLatest ? 'report --live' : `report ${quoted(directory)} --live`);
}

/** A command as it was typed. */
export function typedCommand(typed: readonly string[], command = 'train'): string {
  return graft([command, ...typed.map(quoted)].join(' '));
}

/** The same, but of paths the last part only: the model card that holds it is public. */
export function publicCommand(typed: readonly string[], command = 'train'): string {
  const words = typed.map((argument) => {
    const [, option = '', value = argument] = /^(--[^=]+=)(.*)$/s.exec(argument) ?? [];
    return option + quoted(basename(value));
  });
  return graft([command, ...words].join(' '));
}
