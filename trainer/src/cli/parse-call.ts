import { CommanderError } from 'commander';
import type { Command, Options, Values } from '../commands/options/command.ts';
import { usage } from '../commands/options/option-values.ts';
import { configFields } from '../config/config-fields.ts';
import { toCommander } from './to-commander.ts';
import { unexpectedArguments, unknownOption } from './usage-errors.ts';

/** What was typed after a command's name, understood. */
export interface ParsedCall {
  readonly values: Values<Options>;
  readonly fields: Readonly<Record<string, string>>;
  readonly positionals: readonly string[];
  readonly help: 'none' | 'short' | 'all';
}

/** @throws TrainerError `config_invalid` for what the command does not take */
export function parseCall(command: Command, typed: readonly string[]): ParsedCall {
  if (command.passesTo) return parsePassed(typed);
  refuseDashedValues(command, typed);
  const program = toCommander(command);
  const { operands, unknown } = parsed(() => program.parseOptions([...typed]));
  const options = program.opts();
  const help =
    options['helpAll'] === true
      ? 'all'
      : options['help'] === true || unknown.includes('-h')
        ? 'short'
        : 'none';
  if (help === 'none') {
    const [option] = unknown;
    if (option !== undefined) throw unknownOption(command, option);
    if (operands.length > 0 && command.takes === undefined) {
      throw unexpectedArguments(command, operands);
    }
  }
  const optionOf = (name: string) => {
    const option = program.options.find(({ long }) => long === `--${name}`);
    return options[option?.attributeName() ?? ''] as unknown;
  };
  const values = Object.fromEntries(
    Object.entries(command.options).map(([name, { value }]) => [
      name,
      value === undefined ? optionOf(name) === true : optionOf(name),
    ]),
  ) as Values<Options>;
  const given = command.fields ? configFields.map(({ path }) => [path, optionOf(path)]) : [];
  const fields = Object.fromEntries(given.filter(([, text]) => typeof text === 'string'));
  return { values, fields, positionals: operands, help };
}

/** Of all that is for another program, help is ours: it says which program that is. */
function parsePassed(typed: readonly string[]): ParsedCall {
  const [first = ''] = typed;
  const help = first === '--help-all' ? 'all' : ['--help', '-h'].includes(first) ? 'short' : 'none';
  return { values: {}, fields: {}, positionals: typed, help };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    // The one thing that can be wrong with an option that is known.
    const [, option = ''] = /'--([^' ]+)/.exec(cause.message) ?? [];
    throw usage(`Option '--${option} <value>' argument missing.`, cause);
  }
}

/** `--id --data photos` is a value that was forgotten, more often than an id that begins with dashes. */
function refuseDashedValues(command: Command, typed: readonly string[]): void {
  const takesValue = (arg: string) =>
    arg.startsWith('--') &&
    (command.options[arg.slice(2)]?.value !== undefined ||
      (command.fields !== undefined && configFields.some(({ path }) => arg === `--${path}`)));
  const end = typed.indexOf('--');
  for (const [index, arg] of typed.slice(0, end < 0 ? undefined : end).entries()) {
    const next = typed[index + 1] ?? '';
    if (takesValue(arg) && next.length > 1 && next.startsWith('-')) {
      throw usage(`A value that begins with - goes after =, as in ${arg}=-1.`);
    }
  }
}
