#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cancel, confirm, intro, isCancel, outro, text } from '@clack/prompts';
import { CreateError, problemWith, writeProject } from './write-project.ts';

const HELP = `Creates a project that trains an image classifier on your photos and serves it from the edge.

Usage: npm create graftjs@latest [folder]

It asks for what is not given. Without a terminal it asks nothing and takes the folder my-classifier.`;

try {
  process.exitCode = await create(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CreateError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @returns the exit code */
async function create(args: readonly string[]): Promise<number> {
  const { positionals, help } = parse(args);
  if (help) {
    console.log(HELP);
    return 0;
  }
  if (positionals.length > 1) {
    throw new CreateError(`Expected one folder, but got ${positionals.join(', ')}.`);
  }
  const asks = process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env['CI'];
  if (asks) intro('Graft');
  const name = positionals[0] ?? (asks ? await askName() : 'my-classifier');
  if (name === undefined) return 130;
  const folder = resolve(name);
  const problem = await problemWith(folder);
  if (problem) throw new CreateError(problem);
  const manager = packageManager();
  const installs = asks ? await askToInstall(manager) : true;
  if (installs === undefined) return 130;
  await writeProject(folder);
  console.log(`Created ${relative('.', folder) || 'the project here'}.`);
  const isInstalled = installs && (await install(manager, folder));
  const steps = nextSteps(relative('.', folder), manager, isInstalled);
  if (asks) outro(steps);
  else console.log(steps);
  return installs && !isInstalled ? 1 : 0;
}

function parse(args: readonly string[]): { positionals: string[]; help: boolean } {
  try {
    const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    });
    return { positionals, help: values.help };
  } catch (error) {
    throw new CreateError(`${(error as Error).message.split('. ')[0]}. See --help.`);
  }
}

/** @returns undefined where the user leaves */
async function askName(): Promise<string | undefined> {
  const name = await text({
    message: 'What is your classifier called? A folder of that name is made.',
    placeholder: 'my-classifier',
    defaultValue: 'my-classifier',
  });
  return isCancel(name) ? leave() : name;
}

async function askToInstall(manager: string): Promise<boolean | undefined> {
  const answer = await confirm({ message: `Install what it needs with ${manager}?` });
  return isCancel(answer) ? leave() : answer;
}

function leave(): undefined {
  cancel('Nothing was written.');
}

/** The one that runs this, which says so to the programs that it runs. */
function packageManager(): string {
  const [, name] = /^(pnpm|yarn|bun)\//.exec(process.env['npm_config_user_agent'] ?? '') ?? [];
  return name ?? 'npm';
}

/** @returns whether it succeeded; it says itself why not */
async function install(manager: string, folder: string): Promise<boolean> {
  console.log(`Installing with ${manager}, which takes a minute or two.`);
  const quiet = manager === 'npm' ? ['--no-audit', '--no-fund', '--loglevel=error'] : [];
  const child = spawn(manager, ['install', ...quiet], {
    cwd: folder,
    stdio: 'inherit',
    // npm and its likes are scripts there.
    shell: process.platform === 'win32',
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0;
  } catch {
    console.error(`${manager} cannot be started: install it, or run npm install in ${folder}.`);
    return false;
  }
}

function nextSteps(folder: string, manager: string, isInstalled: boolean): string {
  const run = manager === 'npm' ? 'npm run' : `${manager} run`;
  return [
    'Next:',
    ...(folder ? [`  cd ${folder}`] : []),
    ...(isInstalled ? [] : [`  ${manager} install`]),
    '  put your photos into photos/, a folder for each class: photos/cat/1.jpg, photos/dog/1.jpg, …',
    `  ${run} train`,
    `  ${run} dev`,
  ].join('\n');
}
