import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

/**
 * A hash of everything that turns an image file into the network's input. It names caches of images,
 * since with another hash the input may differ. In Node only.
 */
export async function decodersVersion(): Promise<string> {
  const files = [
    ...(await filesIn(new URL('.', import.meta.url), /(?<!\.test)\.(ts|wasm)$/)),
    ...(await filesIn(new URL('../../decoders/', import.meta.url), /\.wasm$/)),
  ];
  const hash = createHash('sha256');
  for (const file of files.sort((a, b) => (a.href < b.href ? -1 : 1)))
    hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

async function filesIn(folder: URL, names: RegExp): Promise<URL[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((name) => names.test(name)).map((name) => new URL(name, folder));
}
