import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };

const template = fileURLToPath(new URL('../template', import.meta.url));
/** The Worker's page, in this package or in the checkout. */
const page = fileURLToPath(
  new URL(import.meta.filename.endsWith('.ts') ? '../../edge/public' : '../page', import.meta.url),
);

/** npm leaves files of these names out of a package. */
const DOTTED = ['gitignore', 'npmrc'];

/** A project's name is that of its folder, its package, its Worker and its model. */
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Something that the user can do something about, in one sentence. */
export class CreateError extends Error {
  override readonly name = 'CreateError';
}

/**
 * Says what is wrong with a folder for a new project, before anything is written.
 *
 * @returns undefined where nothing is
 */
export async function problemWith(folder: string): Promise<string | undefined> {
  const name = basename(folder);
  if (!NAME.test(name) || name.length > 54) {
    return `Expected a name of up to 54 lower-case letters, digits and hyphens, such as my-classifier, but got ${name}.`;
  }
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    return [error.code ?? ''];
  });
  // A clone of an empty repository has it.
  const [first] = entries.filter((entry) => entry !== '.git');
  return first === undefined
    ? undefined
    : `Expected a new or an empty folder, but ${folder} has ${first} in it: choose another name.`;
}

/**
 * Writes a project.
 *
 * @param folder which {@link problemWith} finds nothing wrong with
 */
export async function writeProject(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(template, folder, { recursive: true });
  for (const name of DOTTED) await rename(join(folder, name), join(folder, `.${name}`));
  for (const file of ['package.json', 'graft.config.ts', 'wrangler.jsonc', 'README.md']) {
    const text = await readFile(join(folder, file), 'utf8');
    const filled = text.replaceAll('my-classifier', basename(folder));
    await writeFile(join(folder, file), filled.replaceAll('0.0.0', manifest.version));
  }
  await copyPage(join(folder, 'public'));
}

/** Copies the page, without the models that the checkout serves. */
export async function copyPage(to: string): Promise<void> {
  await cp(page, to, {
    recursive: true,
    filter: (path) => relative(page, path) !== 'models',
  });
}
