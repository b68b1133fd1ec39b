import { basename, join } from 'node:path';
import { configFields, overrideConfig } from '../config/config-fields.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { checkpointIn, loadCheckpoint } from '../runs/checkpoint.ts';
import { findRun } from './find-model.ts';
import { configOf, dataOf, fromUser, quoted, usage, weightsOf } from './option-values.ts';
import type { OptionValues } from './parse-command-line.ts';

/** They come behind the training: a finished run is exported anew. */
const EXPORT_FIELDS: readonly string[] = ['quantize', 'arithmetic'];

/** A new run's folder and experiment, or those of the run to go on with. */
export async function chooseRun(
  values: OptionValues,
  runs: string,
): Promise<{ directory: string; config: TrainConfig; data: string | null }> {
  if (values.resume !== undefined) {
    const resumed = await findRun(runs, values.resume);
    const given = ['config', 'data', ...configFields.map(({ path }) => path)];
    const extra = given.find(
      (name) => Object.hasOwn(values, name) && !EXPORT_FIELDS.includes(name),
    );
    if (extra !== undefined) {
      throw usage(`Expected no --${extra} with --resume, which goes on as the run began.`);
    }
    const { header } = await loadCheckpoint(checkpointIn(resumed));
    const { quantize, arithmetic } = values;
    const config = overrideConfig(header.config, { quantize, arithmetic });
    return { directory: resumed, config, data: header.data };
  }
  const { weights } = values;
  const config = overrideConfig(configOf(values.config), {
    ...values,
    ...(weights === undefined ? {} : { weights: weightsOf(weights) }),
  });
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    directory: join(runs, `${time}-${config.name}`),
    config,
    data: values.data === undefined ? null : dataOf(values.data),
  };
}

/** With what the checkpoint does not hold. */
export function resumeCommand(
  directory: string,
  { id, models, photos, backend, threads, folders, strict }: OptionValues,
  modelsFolder: string,
): string {
  const options = {
    resume: directory,
    id,
    models: models && modelsFolder,
    photos: fromUser(photos),
    backend,
    threads,
    folders,
  };
  const given = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !(name === 'backend' && value === 'auto'),
  );
  const words = given.flatMap(([name, value]) => [`--${name}`, quoted(value as string)]);
  return [TRAIN, ...words, ...(strict ? ['--strict'] : [])].join(' ');
}

/** A training's command, as it was typed. */
export function typedCommand(args: readonly string[]): string {
  return [TRAIN, ...withoutCommand(args).map(quoted)].join(' ');
}

/** The same, but of paths the last part only: the model card that holds it is public. */
export function publicCommand(args: readonly string[]): string {
  const words = withoutCommand(args).map((argument) => {
    const [, option = '', value = argument] = /^(--[^=]+=)(.*)$/s.exec(argument) ?? [];
    return option + quoted(basename(value));
  });
  return [TRAIN, ...words].join(' ');
}

const TRAIN = 'npx -y pnpm@10 --filter trainer train';

function withoutCommand(args: readonly string[]): string[] {
  return args.toSpliced(args.indexOf('train'), 1);
}
