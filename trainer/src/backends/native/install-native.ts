import {
  access,
  constants,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { buildDirectory } from '../../files/build-directory.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { downloadWheel, findPython, type Wheel } from '../../programs/pip.ts';
import { findProgram, type ProgramOptions, runProgram } from '../../programs/run-program.ts';
import { type Addon, type NativeRecipe, nativeFolderName } from './native-recipe.ts';

export interface InstallOptions extends ProgramOptions {
  /** The folder in which the backend's folder is made, see `cacheDirectory`. */
  readonly cache: string;
  readonly log: (line: string) => void;
}

const manifestName = 'sizes.json';

/**
 * Sets up a native backend once for this machine and user: downloads the wheels, unpacks their
 * libraries, and compiles the addons. A complete folder is used as it is; an incomplete one is
 * built again.
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

  // Whatever may be missing is checked before anything is downloaded.
  const python = await findPython(programs);
  const compiler = await findCompiler(programs);
  await prepareCache(cache);
  // Another process may have finished in the meantime.
  if (await isComplete(target)) return target;
  await rm(target, { recursive: true, force: true });
  await checkSpace(cache, recipe);

  await buildDirectory(target, async (folder) => {
    const downloads = [recipe.wheel, ...recipe.libraryWheels];
    log(
      `Downloading ${recipe.wheel.project} ${recipe.wheel.version} (${megabytes(sum(downloads.map(({ bytes }) => bytes)))} MB${recipe.libraryWheels.length > 0 ? " with NVIDIA's libraries" : ''}, once, to ${cache}) for the ${recipe.kind} backend.`,
    );
    for (const wheel of downloads) {
      const download = join(folder, 'download');
      if (wheel !== recipe.wheel) log(`Downloading ${wheel.project} ${wheel.version}.`);
      const file = await downloadWheel(python, wheel, download, { log, ...programs });
      await extract(python, file, wantedFrom(wheel, recipe), folder, programs);
      // Removed before the next download, so that the disk holds one wheel at a time.
      await rm(download, { recursive: true });
    }
    log('Compiling the addon that binds TensorFlow to Node.');
    for (const addon of recipe.addons) {
      await compile(compiler, recipe, addon, folder, programs);
    }
    await rm(join(folder, 'include'), { recursive: true, force: true });
    await writeManifest(folder);
  });
  return target;
}

/** The folder of a recipe, if it is complete. */
export async function findInstalled(
  recipe: NativeRecipe,
  cache: string,
): Promise<string | undefined> {
  const folder = join(cache, nativeFolderName(recipe));
  return (await isComplete(folder)) ? folder : undefined;
}

/** Bytes that must be free on the disk, including the download. */
function neededSpace(recipe: NativeRecipe): number {
  const wheels = [recipe.wheel, ...recipe.libraryWheels];
  return (
    recipe.librariesBytes +
    sum(recipe.libraryWheels.map(({ unpackedBytes }) => unpackedBytes)) +
    Math.max(...wheels.map(({ bytes }) => bytes))
  );
}

/** @throws TrainerError `backend_unavailable` */
export async function findCompiler(programs: ProgramOptions = {}): Promise<string> {
  const candidates = [(programs.environment ?? process.env)['CXX'], 'c++', 'g++', 'clang++'].filter(
    (name) => name !== undefined,
  );
  const compiler = await findProgram(candidates, ['--version'], programs);
  if (compiler === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `Expected a C++ compiler, which is needed once, but none of ${candidates.join(', ')} runs: install g++ or clang.`,
    );
  }
  return compiler;
}

async function prepareCache(cache: string): Promise<void> {
  try {
    await makeFolder(cache);
    await access(cache, constants.W_OK);
  } catch (cause) {
    throw new TrainerError(
      'backend_unavailable',
      `Expected to keep the backend in ${cache}, but that folder cannot be written to: set GRAFT_CACHE to another one.`,
      cause,
    );
  }
}

async function checkSpace(cache: string, recipe: NativeRecipe): Promise<void> {
  const needed = neededSpace(recipe);
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize < needed) {
    throw new TrainerError(
      'disk_full',
      `Expected ${megabytes(needed)} MB of free space in ${cache} for the ${recipe.kind} backend, but there are ${megabytes(bavail * bsize)} MB: free some space, or set GRAFT_CACHE to a folder on another disk.`,
    );
  }
}

// Reads only the wanted members, so that 900 MB of Python code stay packed.
const extractScript = `
import json, os, shutil, sys, zipfile
wheel, folder, wanted = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
headers = tuple(wanted["includeRoot"] + name for name in wanted["headers"])
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if member.is_dir():
            continue
        if name in wanted["libraries"] or (wanted["all"] and "/include/" not in name and ".dist-info/" not in name):
            path = os.path.join(folder, name)
        elif name.startswith(headers):
            path = os.path.join(folder, "include", name[len(wanted["includeRoot"]):])
        else:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        # Some are programs.
        os.chmod(path, (member.external_attr >> 16) & 0o777 or 0o644)
`;

interface Wanted {
  readonly libraries: readonly string[];
  readonly headers: readonly string[];
  readonly includeRoot: string;
  /** Everything but headers and the package's own description. */
  readonly all: boolean;
}

function wantedFrom(
  wheel: Wheel,
  { wheel: main, libraries, headers, includeRoot }: NativeRecipe,
): Wanted {
  return wheel === main
    ? { libraries, headers, includeRoot, all: false }
    : { libraries: [], headers: [], includeRoot: '', all: true };
}

async function extract(
  python: string,
  wheel: string,
  wanted: Wanted,
  folder: string,
  programs: ProgramOptions,
): Promise<void> {
  const args = ['-c', extractScript, wheel, folder, JSON.stringify(wanted)];
  const result = await runProgram(python, args, programs);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'backend_unavailable',
      `The libraries could not be unpacked from the wheel (${lastLine(result.output)}): try again.`,
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
    ...libraries.map((path) => join(folder, path)),
    '-o',
    join(folder, addon.name),
  ];
  const result = await runProgram(compiler, args, programs);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'backend_unavailable',
      `${compiler} could not compile the TensorFlow addon (${firstError(result.output)}): install g++ 10 or clang 12, or a later version.`,
    );
  }
}

async function writeManifest(folder: string): Promise<void> {
  const sizes: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sizes[relative(folder, path)] = (await stat(path)).size;
  }
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

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? '';
const firstError = (output: string): string =>
  output.split('\n').find((line) => line.includes('error')) ?? lastLine(output);
