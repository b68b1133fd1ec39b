import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { TrainerError } from '../../errors.ts';
import { buildDirectory } from '../../files/build-directory.ts';
import { cacheDirectory } from '../../files/cache-directory.ts';
import { requireRoom } from '../../files/output-folder.ts';
import { isClutter, isImageName } from '../folders/is-clutter.ts';

/** Images are compressed already, so a file that unpacks to more is none. */
const MAX_RATIO = 20;
/** Small files may be of one colour. */
const FREE_BYTES = 100e6;
const MAX_ENTRIES = 2_000_000;

/**
 * Unpacks the images of a zip file into the cache, once, and wholly or not at all.
 *
 * @returns the folder with them, which has the zip's name; the path itself where it is no zip file
 * @throws TrainerError `dataset_invalid` for what is no sound zip file, leads out of its folder, or unpacks to far
 *   more than its size; `disk_full`; the signal's reason
 */
export async function unpackZip(
  path: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  if (!(stats?.isFile() && /\.zip$/i.test(path))) return path;
  const key = [await realpath(path), stats.size, stats.mtimeMs, stats.ino].join('\n');
  const id = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const target = join(cacheDirectory(), 'unpacked', id);
  const folder = join(target, basename(path).slice(0, -'.zip'.length) || 'photos');
  if (await stat(folder).catch(() => undefined)) return folder;
  await buildDirectory(target, async (partial) => {
    try {
      await unpack(path, join(partial, basename(folder)), stats.size, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof TrainerError) throw cause;
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOSPC') throw cause;
      throw invalid(path, `it cannot be unpacked: ${message.replace(/\.$/, '')}`, cause);
    }
  });
  return folder;
}

async function unpack(
  path: string,
  folder: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  // It refuses absolute names and those with `..`, and data that is longer than its header says.
  const zip = await yauzl.openPromise(path, { autoClose: false });
  try {
    if (zip.entryCount > MAX_ENTRIES) throw invalid(path, `it has ${zip.entryCount} files`);
    const wanted: yauzl.Entry[] = [];
    let bytes = 0;
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      if (!isWanted(entry.fileName)) continue;
      if (entry.isEncrypted()) {
        throw invalid(path, 'it is encrypted: unpack it, and pass the folder');
      }
      wanted.push(entry);
      bytes += entry.uncompressedSize;
    }
    if (bytes > FREE_BYTES + MAX_RATIO * packedBytes) {
      throw invalid(path, `its ${packedBytes} bytes would unpack to ${bytes}, which images do not`);
    }
    await requireRoom(folder, bytes);
    for (const entry of wanted) {
      const target = join(folder, entry.fileName);
      await mkdir(dirname(target), { recursive: true });
      const content = await zip.openReadStreamPromise(entry);
      // What is there twice is written twice, and the last one counts, as other programs do it.
      await pipeline(content, createWriteStream(target), { signal });
    }
  } finally {
    zip.close();
  }
}

/** Images, and the file that names their categories; no folder, and nothing that systems leave. */
function isWanted(name: string): boolean {
  const parts = name.split('/');
  const file = parts.at(-1) ?? '';
  if (file === '' || parts.some(isClutter)) return false;
  return isImageName(file) || /^categories.*\.txt$/i.test(file);
}

function invalid(path: string, but: string, cause?: unknown): TrainerError {
  return new TrainerError(
    'dataset_invalid',
    `Expected a zip file of images in class folders at ${path}, but ${but}.`,
    cause,
  );
}
