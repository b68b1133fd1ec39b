/**
 * Builds what a package publishes, in its folder `dist`, from its folder `src`: `prepack` of the package runs
 * it there. In the checkout Node runs the sources as they are, but it strips no types inside node_modules.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/** No part of what is published. */
const TEST = /\.test\.ts$/;

/** @param folder of the package */
export async function buildPackage(folder: string): Promise<void> {
  const source = join(folder, 'src');
  const files = (await readdir(source, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !TEST.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const typescript = files.filter((file) => file.endsWith('.ts'));
  const dist = join(folder, 'dist');
  await rm(dist, { recursive: true, force: true });
  // Each file by itself: what it imports from other packages stays as it is.
  await compile(folder, typescript, {
    outDir: dist,
    rootDir: source,
    noCheck: true,
    noResolve: true,
  });
  for (const file of typescript) await refuseOutside(source, file);
  await writeDeclarations(folder, typescript);
  for (const file of files.filter((name) => !name.endsWith('.ts'))) {
    await cp(file, join(dist, file.slice(source.length)));
  }
  await copyLicences(folder);
}

/** What lies outside of `src` is not where the built file looks for it. */
async function refuseOutside(source: string, file: string): Promise<void> {
  const imports = (await readFile(file, 'utf8')).matchAll(
    /(?:from|import\() ?'(\.{1,2}\/[^']+\.ts)'/g,
  );
  for (const [, specifier = ''] of imports) {
    if (join(dirname(file), specifier).startsWith(source)) continue;
    throw new Error(`Expected ${file} to import from ${source} only, but it imports ${specifier}.`);
  }
}

/**
 * Writes the declarations of files and of what they import from the same package.
 *
 * @param folder of the package
 */
export async function writeDeclarations(folder: string, files: readonly string[]): Promise<void> {
  // The sources of other packages, which the types come from, get declarations too.
  const all = await mkdtemp(join(tmpdir(), 'graft-types-'));
  try {
    const options = { outDir: all, rootDir: root, declaration: true, emitDeclarationOnly: true };
    await compile(folder, files, options);
    const own = join(all, folder.slice(root.length), 'src');
    await cp(own, join(folder, 'dist'), { recursive: true });
  } finally {
    await rm(all, { recursive: true });
  }
}

/** Each published package brings the licences of what is in it. */
export async function copyLicences(folder: string): Promise<void> {
  for (const name of ['LICENSE', 'NOTICE']) await cp(join(root, name), join(folder, name));
}

async function compile(
  folder: string,
  files: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const config = join(folder, 'tsconfig.pack.json');
  const compilerOptions = { noEmit: false, rewriteRelativeImportExtensions: true, ...options };
  await writeFile(
    config,
    JSON.stringify({ extends: './tsconfig.json', compilerOptions, files, include: [] }),
  );
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', config]);
  } catch (error) {
    const { stdout } = error as { stdout: string };
    throw new Error(`tsc does not compile ${folder}:\n${stdout}`, { cause: error });
  } finally {
    await rm(config);
  }
}

if (process.argv[1] === import.meta.filename) await buildPackage(process.cwd());
