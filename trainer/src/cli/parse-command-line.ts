import { parseArgs } from 'node:util';
import { configFields } from '../config/config-fields.ts';
import type { TrainerError } from '../errors.ts';
import { meantByCommand, meantByOption } from './foreign-options.ts';
import { nearest } from './nearest.ts';
import { quoted, usage } from './option-values.ts';

const FIELDS = configFields.map(({ path }) => path);
const COMPUTE = ['backend', 'threads'];
const TRAIN = [
  ...FIELDS,
  ...COMPUTE,
  'data',
  'folders',
  'strict',
  'photos',
  'config',
  'resume',
  'id',
  'models',
  'runs',
];

/** Each command's options, and what its arguments are, if it takes any. */
const commands: Readonly<
  Record<string, { readonly options: readonly string[]; readonly takes?: string }>
> = {
  train: { options: TRAIN },
  'find-lr': { options: [...TRAIN, 'stage'] },
  export: {
    options: [
      ...COMPUTE,
      ...[
        'backbone',
        'weights',
        'id',
        'models',
        'quantize',
        'arithmetic',
        'data',
        'folders',
        'strict',
      ],
      ...['keras', 'run', 'runs'],
    ],
  },
  summary: { options: ['backbone', 'include-top', 'size', 'trim', 'freeze'] },
  predict: {
    options: [...COMPUTE, 'model', 'models', 'backbone', 'weights', 'top', 'json'],
    takes: 'images',
  },
  evaluate: {
    options: [...COMPUTE, 'data', 'folders', 'strict', 'models', 'json'],
    takes: 'a model',
  },
  report: { options: ['runs'], takes: 'a run' },
  datasets: { options: ['size', 'folders', 'strict'], takes: 'a data set' },
  doctor: { options: [] },
  setup: { options: ['cuda'] },
};

/** Of these an empty text would be the folder that the command was typed in. */
const PATHS = ['data', 'photos', 'models', 'runs', 'keras', 'run', 'resume', 'model', 'weights'];

/**
 * The command line's options and arguments, as texts.
 *
 * @param args as typed
 * @throws TrainerError `config_invalid` also for an option or argument that the command does not take
 */
export function parseCommandLine(args: readonly string[]) {
  const parsed = parse(args.filter((arg, index) => arg !== '--' || index > 1));
  const [command, ...rest] = parsed.positionals;
  if (args.some((arg) => arg.includes('\0'))) {
    throw usage('Expected no zero characters in the command line.');
  }
  if (parsed.values.help || command === undefined || command === 'help') return parsed;
  const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (known === undefined) throw unknownCommand(command);
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue;
    if (!known.options.includes(token.name)) throw notTaken(command, token.name);
    if (token.value === '' && PATHS.includes(token.name)) {
      throw usage(`Expected a value for --${token.name}, but got an empty text.`);
    }
  }
  if (rest.length > 0 && known.takes === undefined) throw unexpected(command, rest);
  return parsed;
}

function unknownCommand(command: string): TrainerError {
  const meant = meantByCommand(command) ?? nearest(command, Object.keys(commands));
  return usage(
    `There is no command ${command.trim() || `"${command}"`}${meant ? `; did you mean ${meant}?` : '.'}`,
  );
}

function notTaken(command: string, option: string): TrainerError {
  const meant = meantByOption(option);
  return usage(`The command ${command} takes no option --${option}${meant ? `: ${meant}` : ''}.`);
}

function unexpected(command: string, rest: readonly string[]): TrainerError {
  const [first = ''] = rest;
  const takesData = commands[command]?.options.includes('data');
  const meant = /^\w+([.]\w+)?=/.test(first)
    ? `; did you mean --${first}?`
    : takesData
      ? `: images are given by --data ${quoted(first)}.`
      : '.';
  return usage(`Expected no argument after ${command}, but got ${rest.join(' ')}${meant}`);
}

function parse(args: readonly string[]) {
  const options = {
    ...Object.fromEntries(configFields.map(({ path }) => [path, { type: 'string' as const }])),
    data: { type: 'string' },
    strict: { type: 'boolean', default: false },
    folders: { type: 'string' },
    photos: { type: 'string' },
    config: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    threads: { type: 'string' },
    cuda: { type: 'boolean', default: false },
    resume: { type: 'string' },
    id: { type: 'string' },
    models: { type: 'string' },
    runs: { type: 'string' },
    backbone: { type: 'string' },
    weights: { type: 'string' },
    size: { type: 'string' },
    trim: { type: 'string' },
    freeze: { type: 'string' },
    quantize: { type: 'string' },
    arithmetic: { type: 'string' },
    keras: { type: 'string' },
    run: { type: 'string' },
    top: { type: 'string', default: '5' },
    model: { type: 'string' },
    json: { type: 'boolean', default: false },
    stage: { type: 'string' },
    'include-top': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, tokens: true, options });
  } catch (cause) {
    const { message } = cause as Error;
    const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? [];
    if (unknown !== undefined) {
      const meant = meantByOption(unknown);
      if (meant) throw usage(`There is no option ${unknown}: ${meant}.`, cause);
      const near = nearest(unknown.replace(/^-+/, ''), Object.keys(options));
      throw usage(
        `There is no option ${unknown}${near ? `; did you mean --${near}?` : '.'}`,
        cause,
      );
    }
    const [, ambiguous] = /^Option '(-[^' ]*).*ambiguous/.exec(message) ?? [];
    if (ambiguous !== undefined) {
      throw usage(`A value that begins with - stands behind =, as in ${ambiguous}=-1.`, cause);
    }
    const [line = ''] = message.split('\n');
    throw usage(line.replace(/\.?$/, '.'), cause);
  }
}

export type OptionValues = ReturnType<typeof parse>['values'];
