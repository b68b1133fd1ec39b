import { constants } from 'node:fs';
import { type FileHandle, open, readdir, type stat } from 'node:fs/promises';

/** Says why a path cannot be read as a regular file. */
export class Unreadable extends Error {
  /** @param message a clause that follows "but", such as `it is a folder` */
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unreadable';
  }
}

/**
 * Opens a file that a user has named. Refuses anything but a regular file, since a pipe may have no
 * writer and a device may never end.
 *
 * @returns the file, which the caller closes, and its length
 * @throws Unreadable
 */
export async function openRegularFile(path: string): Promise<{ file: FileHandle; bytes: number }> {
  // Non-blocking, since opening a pipe otherwise waits for a writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (cause: unknown) => {
      throw new Unreadable(reasonOf(cause), cause);
    },
  );
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Unreadable(await kindOf(path, stats));
    return { file, bytes: stats.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Reads a whole file that a user has named.
 *
 * @param mostBytes the largest file that is read
 * @throws Unreadable
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer> {
  const { file, bytes } = await openRegularFile(path);
  try {
    if (bytes > mostBytes) {
      throw new Unreadable(
        `it has ${Math.ceil(bytes / 1e6)} MB, and at most ${Math.floor(mostBytes / 1e6)} MB are read`,
      );
    }
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof Unreadable) throw cause;
    throw new Unreadable(reasonOf(cause), cause);
  } finally {
    await file.close();
  }
}

async function kindOf(path: string, stats: Awaited<ReturnType<typeof stat>>): Promise<string> {
  if (stats.isDirectory()) {
    const names = await readdir(path).catch(() => [] as string[]);
    return names.includes('saved_model.pb')
      ? "it is the folder of a TensorFlow SavedModel: save the model in Python with model.save('model.keras')"
      : 'it is a folder: name a file in it';
  }
  if (stats.isFIFO()) return 'it is a pipe, not a file';
  return 'it is a device or a socket, not a file';
}

/** Describes a system error as a clause that follows "but". */
function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'you have no permission to read it';
    case 'ELOOP':
      return 'it is a link that leads back to itself';
    case 'ENAMETOOLONG':
      return 'the name is too long for a file';
    case 'ENXIO':
      return 'it is a device or a socket, not a file';
    default:
      return 'it cannot be read';
  }
}
