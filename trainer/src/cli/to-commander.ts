import { Command as Program, Option as ProgramOption } from 'commander';
import type { Command, Option } from '../commands/options/command.ts';
import { usage } from '../commands/options/option-values.ts';
import { type ConfigField, configFields, fieldText } from '../config/config-fields.ts';
import { fast } from '../config/fast.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { HELP_OPTIONS } from './all-commands.ts';

/** Where a text is to be laid out. */
export interface Layout {
  /** Letters in a line. */
  readonly columns: number;
  readonly hasColors: boolean;
}

/** How much a help text says, and of which experiment. */
export interface Extent {
  /** Every setting and name, rather than those that most people need. */
  readonly all: boolean;
  readonly config: TrainConfig;
}

/** More choices than this are listed by `--help-all` only. */
const MOST_CHOICES = 8;

/** A command with all of its options, for commander to parse and to lay out. */
export function toCommander(
  command: Command,
  { all, config }: Extent = { all: false, config: fast },
): Program {
  const program = new Program(command.name).usage(
    [...(command.takes ? [command.takes] : []), '[options]'].join(' '),
  );
  program
    .name(`graft ${command.name}`)
    .description(`${command.about}.${command.details ? `\n${command.details}` : ''}`)
    .helpOption(false)
    .exitOverride()
    // What is wrong is said in our own words.
    .configureOutput({ outputError: () => {} });
  for (const [name, option] of Object.entries(command.options)) {
    program.addOption(toOption(name, option, all));
  }
  if (command.fields) {
    for (const field of configFields) {
      program.addOption(toFieldOption(field, { all, config }, command.fields));
    }
  }
  if (command.passesTo) {
    program.usage(`[options of ${command.passesTo}]`);
  }
  for (const [name, about] of Object.entries(HELP_OPTIONS)) {
    program.addOption(new ProgramOption(`--${name}`, about).hideHelp());
  }
  return program;
}

function toOption(name: string, option: Option, all: boolean): ProgramOption {
  const { value, choices, parse, many } = option;
  const made = new ProgramOption([`--${name}`, value].filter(Boolean).join(' '));
  made.description = describe(option, all);
  made.helpGroup(`${option.group}:`);
  made.argParser((text, before: unknown) => {
    if (choices && !choices.includes(text)) {
      throw usage(`Expected one of ${choices.join(', ')} for --${name}, but got ${text}.`);
    }
    const meant = parse ? parse(text, name) : text;
    return many ? [...(before as unknown[]), meant] : meant;
  });
  if (many) made.default([]);
  if (option.default !== undefined) {
    made.default(parse ? parse(option.default, name) : option.default);
  }
  return made;
}

function describe(option: Option, all: boolean): string {
  const { about, choices = [], otherwise = option.default } = option;
  const listed = all || choices.length <= MOST_CHOICES ? choices : [];
  return [
    [about, listed.join(', ')].filter(Boolean).join(': '),
    ...(otherwise === undefined ? [] : [`(default: ${otherwise})`]),
  ].join(' ');
}

/** Whether `--help-all` says more of a command than `--help`. */
export function hasMore({ fields, options }: Command): boolean {
  const isLong = ({ choices = [] }: Option) => choices.length > MOST_CHOICES;
  return fields !== undefined || Object.values(options).some(isLong);
}

function toFieldOption(
  field: ConfigField,
  { all, config }: Extent,
  shown: readonly string[],
): ProgramOption {
  const { path, description, expected } = field;
  const made = new ProgramOption(`--${path} ${placeholder(field)}`);
  const what = all && expected !== 'a text' ? `${description}: ${expected}` : description;
  made.description = `${what} (default: ${fieldText(config, path)})`;
  made.helpGroup(all ? `Experiment ${config.name}:` : 'Experiment:');
  return made.hideHelp(!all && !shown.includes(path));
}

function placeholder({ path, expected }: ConfigField): string {
  if (path === 'weights') return '<file>';
  return /^a (whole )?number[^,]*$/.test(expected) ? '<n>' : '<value>';
}
