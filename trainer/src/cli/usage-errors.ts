import type { Command } from '../commands/options/command.ts';
import { nearest } from '../commands/options/nearest.ts';
import { quoted, usage } from '../commands/options/option-values.ts';
import { configFields } from '../config/config-fields.ts';
import type { TrainerError } from '../errors.ts';
import { allCommands, HELP_OPTIONS } from './all-commands.ts';
import { meantByCommand, meantByOption } from './foreign-options.ts';

// What a person typed that this program does not take, and what was meant by it.

/** The options that a command takes, by name. */
export function optionNames(command: Command): string[] {
  return [
    ...Object.keys(command.options),
    ...(command.fields ? configFields.map(({ path }) => path) : []),
    ...Object.keys(HELP_OPTIONS),
  ];
}

export function unknownCommand(name: string): TrainerError {
  const names = allCommands.map((command) => command.name);
  const meant = meantByCommand(name) ?? nearest(name, names);
  return usage(
    `There is no command ${name.trim() || `"${name}"`}${meant ? `; did you mean ${meant}?` : '.'}`,
  );
}

/** @param typed such as `--lr`, or `--lr=0.1` */
export function unknownOption(command: Command, typed: string): TrainerError {
  const [option = typed] = typed.startsWith('--') ? typed.split('=', 1) : [typed.slice(0, 2)];
  const name = option.replace(/^-+/, '');
  const own = optionNames(command);
  if (own.includes(name) && option.startsWith('--')) {
    return usage(`Option '${option}' does not take an argument.`);
  }
  const meant = meantByOption(option);
  if (option.startsWith('--') && allCommands.some((other) => optionNames(other).includes(name))) {
    return usage(
      `The command ${command.name} takes no option ${option}${meant ? `: ${meant}` : ''}.`,
    );
  }
  if (meant) return usage(`There is no option ${option}: ${meant}.`);
  const near = nearest(name, own);
  return usage(`There is no option ${option}${near ? `; did you mean --${near}?` : '.'}`);
}

/** An option where the command's name is expected. */
export function optionBeforeCommand(option: string): TrainerError {
  const takers = allCommands.filter((command) =>
    optionNames(command).includes(option.replace(/^--/, '').replace(/=.*/s, '')),
  );
  const [first] = takers;
  return usage(
    `Expected a command before ${option}${first ? `, as in ${first.name} ${option}` : ''}.`,
  );
}

export function unexpectedArguments(command: Command, given: readonly string[]): TrainerError {
  const [first = ''] = given;
  const meant = /^\w+([.]\w+)?=/.test(first)
    ? `; did you mean --${first}?`
    : command.options['data']
      ? `: images are given by --data ${quoted(first)}.`
      : '.';
  return usage(`Expected no argument after ${command.name}, but got ${given.join(' ')}${meant}`);
}
