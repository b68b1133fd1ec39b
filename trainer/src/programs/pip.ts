import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { findProgram, type ProgramOptions, runProgram } from './run-program.ts';

/** One file of a Python package registry: the tags that select it and its hash. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly python: string;
  readonly platform: string;
  readonly sha256: string;
  readonly bytes: number;
}

const progressEveryMs = 5000;

/**
 * Finds a Python that has pip, and returns its command.
 *
 * @throws TrainerError `backend_unavailable`
 */
export async function findPython(options: ProgramOptions = {}): Promise<string> {
  const candidates = ['python3', 'python'];
  const python = await findProgram(candidates, ['-m', 'pip', '--version'], options);
  if (python === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      'Expected Python 3 with pip, which is needed once for a download from PyPI, but neither python3 nor python has it: install python3-pip.',
    );
  }
  return python;
}

/**
 * Downloads one wheel into `folder` with pip, which checks its hash. Logs the progress every few
 * seconds; pip's own output is shown only when it fails.
 *
 * @returns the path of the wheel
 * @throws TrainerError `download_failed`, `interrupted`
 */
export async function downloadWheel(
  python: string,
  wheel: Wheel,
  folder: string,
  {
    log,
    environment = process.env,
    signal,
  }: ProgramOptions & { readonly log: (line: string) => void },
): Promise<string> {
  await makeFolder(folder);
  const requirements = join(folder, 'requirements.txt');
  await writeFile(
    requirements,
    `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`,
  );
  const args = [
    ...['-m', 'pip', 'download', '--no-input', '--disable-pip-version-check'],
    // pip's cache would keep a second copy of a quarter of a gigabyte.
    ...['--no-cache-dir', '--no-deps', '--only-binary=:all:', '--require-hashes'],
    ...['--implementation', 'cp', '--python-version', wheel.python],
    ...['--platform', wheel.platform, '--dest', folder, '--requirement', requirements],
  ];
  const progress = setInterval(async () => {
    // In the end pip has a second copy for a moment.
    const done = Math.min(await sizeOf(folder), wheel.bytes);
    log(`  ${Math.round(done / 1e6)} of ${Math.round(wheel.bytes / 1e6)} MB`);
  }, progressEveryMs);
  // pip keeps the unfinished file in TMPDIR, so that it is removed together with the folder.
  const result = await runProgram(python, args, {
    environment: { ...environment, TMPDIR: folder },
    signal,
  }).finally(() => clearInterval(progress));
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (result.kind !== 'done' || file === undefined) {
    throw new TrainerError(
      'download_failed',
      `${wheel.project} ${wheel.version} could not be downloaded (${pipError(result.output)}): check the network and try again.`,
    );
  }
  return join(folder, file);
}

function pipError(output: string): string {
  const errors = output.split('\n').filter((line) => /^\s*error:/i.test(line));
  return (errors.at(-1) ?? output.trim()).replace(/^\s*error:\s*/i, '').trim();
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  // pip may remove its own folders while they are being listed.
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    const entry = await stat(join(folder, name)).catch(() => undefined);
    if (entry?.isFile()) bytes += entry.size;
  }
  return bytes;
}
