import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { buildDirectory } from '../files/build-directory.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { findPython } from './pip.ts';
import { runProgram } from './run-program.ts';

/** TensorFlow for Python, of the version that the native backend uses; on Linux x64 the one without CUDA. */
const tensorflow = [
  `tensorflow${process.platform === 'linux' && process.arch === 'x64' ? '-cpu' : ''}==2.21.0`,
  'keras==3.15.1',
];

/**
 * Makes, once for this machine and user, a Python environment with libraries, by default TensorFlow and Keras. Training
 * does not need it.
 *
 * @returns the path of its python
 * @throws TrainerError `backend_unavailable` without Python, `download_failed`, `interrupted`
 */
export async function preparePython(
  log: (line: string) => void,
  requirements: readonly string[] = tensorflow,
): Promise<string> {
  const versions = requirements.join('-').replaceAll('==', '-');
  const target = join(cacheDirectory(), `python-${versions}-${process.platform}-${process.arch}`);
  const pythonOf = (folder: string): string =>
    process.platform === 'win32'
      ? join(folder, 'Scripts', 'python.exe')
      : join(folder, 'bin', 'python');
  if (existsSync(pythonOf(target))) return pythonOf(target);

  const python = await findPython();
  log(`Installing ${requirements.join(' and ')} once, to ${target}.`);
  await buildDirectory(target, async (folder) => {
    // Without pip, which Debian packages separately; the present pip can install into the environment.
    const run = (args: readonly string[]) => install(python, args, requirements);
    await run(['-m', 'venv', '--without-pip', folder]);
    await run([
      ...['-m', 'pip', '--python', pythonOf(folder), 'install', '--no-input', '--quiet'],
      ...['--disable-pip-version-check', '--no-cache-dir', '--only-binary=:all:', ...requirements],
    ]);
  });
  return pythonOf(target);
}

async function install(
  python: string,
  args: readonly string[],
  requirements: readonly string[],
): Promise<void> {
  const result = await runProgram(python, args);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'download_failed',
      `A Python environment with ${requirements[0]} could not be made (${result.output.trim()}): check the network and try again.`,
    );
  }
}
