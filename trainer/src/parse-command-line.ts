import { parseArgs } from 'node:util';
import { configFields } from './config/config-fields.ts';
import { usage } from './option-values.ts';

/** The command line's options and arguments, as texts. @throws TrainerError `config_invalid` */
export function parseCommandLine() {
  const options = {
    ...Object.fromEntries(configFields.map(({ path }) => [path, { type: 'string' as const }])),
    data: { type: 'string' },
    strict: { type: 'boolean', default: false },
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
    return parseArgs({ allowPositionals: true, options });
  } catch (cause) {
    const { message } = cause as Error;
    const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? [];
    if (unknown !== undefined) {
      const meant = nearest(unknown.replace(/^-+/, ''), Object.keys(options));
      throw usage(
        `There is no option ${unknown}${meant ? `; did you mean --${meant}?` : '.'}`,
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

export type OptionValues = ReturnType<typeof parseCommandLine>['values'];

/** The name that a mistyped one is the end of, or two letters from at most. */
function nearest(typed: string, names: readonly string[]): string | undefined {
  const whole = names.find((name) => name.endsWith(`.${typed}`));
  if (whole) return whole;
  const [best] = names
    .map((name) => ({ name, edits: editsBetween(typed, name) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= 2 ? best.name : undefined;
}

/** How many letters to add, leave out or replace (Levenshtein 1966). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] as number) + Number(letter !== other);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row.at(-1) as number;
}
