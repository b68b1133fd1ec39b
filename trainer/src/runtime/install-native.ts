import { access, constants, mkdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { buildDirectory } from './build-directory.ts';
import { type Addon, type NativeRecipe, nativeFolderName } from './native-recipe.ts';
import { downloadWheel, findPython } from './pip.ts';
import { findProgram, type ProgramOptions, runProgram } from './run-program.ts';

export interface InstallOptions extends ProgramOptions {
  /** The folder that holds the finished folder, see `cacheDirectory`. */
  readonly cache: string;
  readonly log: (line: string) => void;
}

const manifestName = 'sizes.json';

/**
 * Makes the native backend once for this machine and user: downloads the wheel,
 * takes its libraries, compiles the addon. A finished folder is used as it is;
 * one that lost a file, or part of one, is made anew.
 *
 * @returns the folder, for `startNativeBackend`
 * @throws TrainerError `backend_unavailable`, `download_failed`, `disk_full`, `interrupted`
 */
export async function installNative(
  recipe: NativeRecipe,
  { cache, log, ...programs }: InstallOptions,
): Promise<string> {
  const target = join(cache, nativeFolderName(recipe));
  if (await isComplete(target)) return target;

  // Everything that can be missing is looked for before anything is downloaded.
  const python = await findPython(programs);
  const compiler = await findCompiler(programs);
  await prepareCache(cache);
  await rm(target, { recursive: true, force: true });
  await checkSpace(cache, recipe);

  await buildDirectory(target, async (folder) => {
    const { project, version, bytes } = recipe.wheel;
    log(
      `Downloading ${project} ${version} (${megabytes(bytes)} MB, once, to ${cache}) for the native backend, several times as fast as WASM.`,
    );
    const download = join(folder, 'download');
    const wheel = await downloadWheel(python, recipe.wheel, download, { log, ...programs });
    await extract(python, wheel, recipe, folder, programs);
    log('Compiling the addon that binds TensorFlow to Node.');
    for (const addon of recipe.addons) {
      await compile(compiler, recipe, addon, folder, programs);
    }
    await rm(download, { recursive: true });
    await rm(join(folder, 'include'), { recursive: true, force: true });
    await writeManifest(folder, [
      ...recipe.libraries.map((path) => basename(path)),
      ...recipe.addons.map(({ name }) => name),
    ]);
  });
  return target;
}

async function findCompiler(programs: ProgramOptions): Promise<string> {
  const candidates = [(programs.environment ?? process.env)['CXX'], 'c++', 'g++', 'clang++'].filter(
    (name) => name !== undefined,
  );
  const compiler = await findProgram(candidates, ['--version'], programs);
  if (compiler === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `A C++ compiler is needed once and none of ${candidates.join(', ')} runs; install g++ or clang.`,
    );
  }
  return compiler;
}

async function prepareCache(cache: string): Promise<void> {
  try {
    await mkdir(cache, { recursive: true });
    await access(cache, constants.W_OK);
  } catch (cause) {
    throw new TrainerError(
      'backend_unavailable',
      `The native backend is kept in ${cache}, which cannot be written to; set GRAFT_CACHE to another folder.`,
      cause,
    );
  }
}

async function checkSpace(cache: string, recipe: NativeRecipe): Promise<void> {
  const needed = recipe.wheel.bytes + recipe.librariesBytes;
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize < needed) {
    throw new TrainerError(
      'disk_full',
      `The native backend needs ${megabytes(needed)} MB in ${cache} and ${megabytes(bavail * bsize)} MB are free; free some or set GRAFT_CACHE to a folder on another disk.`,
    );
  }
}

// Reads only the named members, so that 900 MB of Python code stay packed.
const extractScript = `
import os, shutil, sys, zipfile
wheel, folder, root, *wanted = sys.argv[1:]
libraries = [name[1:] for name in wanted if name[0] == "L"]
headers = tuple(root + name[1:] for name in wanted if name[0] == "H")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name in libraries:
            path = os.path.join(folder, os.path.basename(name))
        elif name.startswith(headers) and name[-1] != "/":
            path = os.path.join(folder, "include", name[len(root):])
        else:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(name) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
`;

async function extract(
  python: string,
  wheel: string,
  recipe: NativeRecipe,
  folder: string,
  programs: ProgramOptions,
): Promise<void> {
  const wanted = [
    ...recipe.libraries.map((name) => `L${name}`),
    ...recipe.headers.map((name) => `H${name}`),
  ];
  const args = ['-c', extractScript, wheel, folder, recipe.includeRoot, ...wanted];
  const result = await runProgram(python, args, programs);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'backend_unavailable',
      `The libraries could not be taken out of the wheel (${lastLine(result.output)}); try again.`,
    );
  }
}

async function compile(
  compiler: string,
  recipe: NativeRecipe,
  addon: Addon,
  folder: string,
  programs: ProgramOptions,
): Promise<void> {
  const libraries = addon.linked ? recipe.libraries : [];
  const args = [
    ...recipe.compilerFlags,
    ...addon.flags,
    ...[...recipe.includes, join(folder, 'include')].map((path) => `-I${path}`),
    ...addon.sources,
    ...libraries.map((path) => join(folder, basename(path))),
    '-o',
    join(folder, addon.name),
  ];
  const result = await runProgram(compiler, args, programs);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'backend_unavailable',
      `${compiler} could not compile the TensorFlow addon (${firstError(result.output)}); g++ 10 or clang 12 at least are needed.`,
    );
  }
}

async function writeManifest(folder: string, names: readonly string[]): Promise<void> {
  const sizes: Record<string, number> = {};
  for (const name of names) sizes[name] = (await stat(join(folder, name))).size;
  await writeFile(join(folder, manifestName), JSON.stringify(sizes, null, 2));
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    const sizes: unknown = JSON.parse(await readFile(join(folder, manifestName), 'utf8'));
    for (const [name, size] of Object.entries(sizes ?? {})) {
      if ((await stat(join(folder, name))).size !== size) return false;
    }
    return true;
  } catch {
    return false;
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? '';
const firstError = (output: string): string =>
  output.split('\n').find((line) => line.includes('error')) ?? lastLine(output);
