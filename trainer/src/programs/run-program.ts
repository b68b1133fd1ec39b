import { spawn } from 'node:child_process';
import { TrainerError } from '../errors.ts';

export interface ProgramOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Aborting it ends the program; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. `output` is stdout and stderr in the order in which they arrived. */
export type ProgramResult =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'failed'; readonly output: string }
  | { readonly kind: 'missing'; readonly output: '' };

/**
 * Runs a program to its end, without a shell, and collects its output.
 *
 * @throws TrainerError `interrupted` if the program was stopped by SIGINT or SIGTERM
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { environment = process.env, signal: abort }: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: environment,
      ...(abort && { signal: abort }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (abort?.aborted) return reject(abort.reason);
      // EACCES: a program that may not be executed counts as missing.
      if (error.code === 'ENOENT' || error.code === 'EACCES') {
        resolve({ kind: 'missing', output: '' });
      } else {
        reject(error);
      }
    });
    child.on('close', (code, signal) => {
      // A program that handles Ctrl-C itself, as pip does, ends with an ordinary exit code.
      if (abort?.aborted) return reject(abort.reason);
      if (signal === 'SIGINT' || signal === 'SIGTERM') {
        reject(
          new TrainerError('interrupted', `${command} was interrupted before it had finished.`),
        );
      } else {
        resolve({ kind: code === 0 ? 'done' : 'failed', output });
      }
    });
  });
}

/** The first of `commands` that runs with `args`, or undefined. */
export async function findProgram(
  commands: readonly string[],
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string | undefined> {
  for (const command of commands) {
    const result = await runProgram(command, args, options);
    if (result.kind === 'done') return command;
  }
  return undefined;
}
