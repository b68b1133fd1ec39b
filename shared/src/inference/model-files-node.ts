import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadFile } from './model-directory.ts';

/** Reads the files of a model directory on disk. */
export function modelFiles(directory: string | URL): ReadFile {
  const folder = typeof directory === 'string' ? directory : fileURLToPath(directory);
  return async (name) => new Uint8Array(await readFile(join(folder, name)));
}
