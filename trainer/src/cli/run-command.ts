import { usage } from '../commands/options/option-values.ts';
import { configs } from '../config/registry.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { printable, printableLines } from '../printable.ts';
import { allCommands } from './all-commands.ts';
import { printCompletionScript, printCompletions } from './completion.ts';
import { commandHelp, programHelp } from './help.ts';
import { nextSteps } from './next-steps.ts';
import { parseCall } from './parse-call.ts';
import type { Layout } from './to-commander.ts';
import { optionBeforeCommand, unknownCommand } from './usage-errors.ts';

/** Where a command's output goes, a text of one or more lines at a time. */
export interface Output {
  out(lines: string): void;
  err(line: string): void;
  /** Of a terminal, where `out` is one. */
  readonly layout?: Layout;
}

/** As most programs do whose output is read by another. */
const PLAIN: Layout = { columns: 100, hasColors: false };

/**
 * Runs a command of the trainer.
 *
 * @param args as typed, such as `['train', '--data', 'photos']`
 * @returns the exit code: 0; 1 for what its user can do something about, which one line tells; 130 where
 *   it was stopped; of dev and deploy, wrangler's
 */
export async function runCommand(args: readonly string[], output: Output): Promise<number> {
  let code = 0;
  const report = (error: unknown) => {
    output.err(printable(messageOf(error)));
    code = error instanceof TrainerError && error.code === 'interrupted' ? 130 : 1;
  };
  try {
    const theirs = await dispatch(args, output, report);
    if (typeof theirs === 'number') return theirs;
  } catch (error) {
    report(error);
  }
  return code;
}

/** @throws what is a fault of the program */
function messageOf(error: unknown): string {
  if (error instanceof TrainerError) return error.message;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) throw error;
  return `The system refuses to ${syscall} ${path ?? 'a file'} (${code}).`;
}

/** @param report prints an error after which the command continues */
async function dispatch(
  args: readonly string[],
  { out, layout = PLAIN }: Output,
  report: (error: unknown) => void,
  // biome-ignore lint/suspicious/noConfusingVoidType: as a command's run
): Promise<number | void> {
  if (args.some((arg) => arg.includes('\0'))) {
    throw usage('Expected no zero characters in the command line.');
  }
  // pnpm hands on the -- that separates its options from the script's.
  const [name, ...typed] = args.filter((arg, index) => arg !== '--' || index > 1);
  // All that the commands print goes through here, since names of files and classes are anyone's.
  const say = (lines: string) => out(printableLines(lines));
  if (name === undefined) return say(await nextSteps());
  if (name === 'completion') return printCompletionScript(typed);
  if (name === 'complete') return printCompletions(typed);
  const asked = typed.find((word) => !word.startsWith('-'));
  const isHelp = HELP.includes(name);
  if (isHelp && asked === undefined) return out(programHelp(layout));
  if (!isHelp && name.startsWith('-')) throw optionBeforeCommand(name);
  const command = allCommands.find((one) => one.name === (isHelp ? asked : name));
  if (command === undefined) throw unknownCommand(isHelp && asked ? asked : name);
  const { help, ...call } = parseCall(command, isHelp ? ['--help'] : typed);
  if (help === 'none') return command.run({ ...call, typed, say, report });
  const { config = 'fast' } = call.values as { config?: string };
  const extent = { all: help === 'all', config: configs[config] as TrainConfig };
  return out(commandHelp(command, extent, layout));
}

const HELP = ['help', '--help', '--help-all', '-h'];
