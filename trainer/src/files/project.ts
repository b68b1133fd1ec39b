import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where models and runs go, what serves them, and what this program is called there. */
export interface Project {
  /** Of a person's own project, the folder of its package.json; of the checkout, that of the Worker. */
  readonly folder: string;
  readonly models: string;
  readonly runs: string;
  /** `models` and `runs` in words. */
  readonly names: { readonly models: string; readonly runs: string };
  /** What is typed to run this program. */
  readonly command: string;
  /** What is typed to install the packages. */
  readonly install: string;
  readonly isCheckout: boolean;
}

/** The names of a project's file of settings, which is looked for in this order. */
export const SETTINGS_FILES = ['graft.config.ts', 'graft.config.js', 'graft.config.mjs'];

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The checkout, which runs the sources, or the project that has installed the package. */
export const project: Project = import.meta.filename.endsWith('.ts')
  ? {
      folder: join(repository, 'edge'),
      models: join(repository, 'edge/public/models'),
      runs: join(repository, 'trainer/runs'),
      names: { models: 'edge/public/models', runs: 'trainer/runs' },
      command: 'npx -y pnpm@10 graft',
      install: 'pnpm install',
      isCheckout: true,
    }
  : projectIn(dirname(findSettings() ?? join(fromUser('.'), SETTINGS_FILES[0] as string)));

function projectIn(folder: string): Project {
  return {
    folder,
    models: join(folder, 'public/models'),
    runs: join(folder, 'runs'),
    names: { models: 'public/models', runs: 'runs' },
    command: 'npx graft',
    install: 'npm install',
    isCheckout: false,
  };
}

/** How a command of this program is typed, such as `train --resume <run>`. */
export function graft(words: string): string {
  return `${project.command} ${words}`;
}

/** The file of settings in the folder that the command was typed in, or in the nearest above. */
export function findSettings(from = fromUser('.')): string | undefined {
  const file = SETTINGS_FILES.map((name) => join(from, name)).find((path) => existsSync(path));
  const above = dirname(from);
  return file ?? (above === from ? undefined : findSettings(above));
}

/** A path is meant from where the command was typed: `pnpm --filter` moves into the package. */
export function fromUser(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', path);
}
