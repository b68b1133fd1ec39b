import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TrainerError } from '../src/errors.ts';
import { buildDirectory } from '../src/files/build-directory.ts';
import { cacheDirectory } from '../src/files/cache-directory.ts';
import { findPython } from '../src/programs/pip.ts';
import { runProgram } from '../src/programs/run-program.ts';

// The TensorFlow version that the native backend uses.
const keras = ['tensorflow-cpu==2.21.0', 'keras==3.15.1'];

/**
 * PyTorch, and what its recipe and the linear probe need, in one environment: on Linux PyTorch's CUDA libraries come with
 * it, 5 GB.
 */
export const torch = [
  'torch==2.15.0',
  ...['scikit-learn==1.9.1', 'pillow==13.0.0', 'safetensors==0.8.0'],
];

/**
 * Makes, once for this machine and user, a Python environment with the libraries to measure
 * against, by default TensorFlow and Keras. Training does not need it.
 *
 * @returns the path of its python
 * @throws TrainerError `backend_unavailable` without Python, `download_failed`, `interrupted`
 */
export async function preparePython(
  log: (line: string) => void,
  requirements: readonly string[] = keras,
): Promise<string> {
  const versions = requirements.join('-').replaceAll('==', '-');
  const target = join(cacheDirectory(), `python-${versions}-${process.platform}-${process.arch}`);
  const pythonOf = (folder: string): string =>
    process.platform === 'win32'
      ? join(folder, 'Scripts', 'python.exe')
      : join(folder, 'bin', 'python');
  if (existsSync(pythonOf(target))) return pythonOf(target);

  const python = await findPython();
  log(`Installing ${requirements.join(' and ')} (once, to ${target}) to measure against.`);
  await buildDirectory(target, async (folder) => {
    // Without pip, which Debian packages separately; the present pip can install into the environment.
    await run(python, ['-m', 'venv', '--without-pip', folder]);
    await run(python, [
      ...['-m', 'pip', '--python', pythonOf(folder), 'install', '--no-input', '--quiet'],
      ...['--disable-pip-version-check', '--no-cache-dir', '--only-binary=:all:', ...requirements],
    ]);
  });
  return pythonOf(target);
}

async function run(python: string, args: readonly string[]): Promise<void> {
  const result = await runProgram(python, args);
  if (result.kind !== 'done') {
    throw new TrainerError(
      'download_failed',
      `The Python environment for the benchmark could not be made (${result.output.trim()}): check the network and try again.`,
    );
  }
}
