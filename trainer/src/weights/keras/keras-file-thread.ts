// The thread of keras-file.ts: reads a Keras file, isolated from all other files. It knows nothing
// about networks.
import '../../files/float16-array.ts';
import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { readArchive } from './keras-archive.ts';
import type { KerasFile, KerasFileTask } from './keras-file.ts';
import { KerasFileReader, Refused } from './keras-file-reader.ts';

const { bytes, format, mostBytes } = workerData as KerasFileTask;
try {
  parentPort?.postMessage({ file: await readKerasFile() });
} catch (error) {
  const but = error instanceof Refused ? error.message : 'it is damaged or cut short';
  parentPort?.postMessage({ but, cause: error instanceof Error ? error.message : undefined });
}

async function readKerasFile(): Promise<KerasFile> {
  let content = bytes;
  if (format === 'zip') {
    const archive = readArchive(bytes, mostBytes);
    if ('is' in archive) throw new Refused(archive.is);
    content = archive.weights;
  }
  // The build for browsers, 3 MB of WebAssembly, has no file system but one in memory. A dataset
  // may refer to any file for its numbers, and there it finds none of this machine's files.
  const { ready, File } = await import('h5wasm');
  const library = await ready;
  const { FS } = library;
  for (const device of FS.readdir('/dev')) {
    if (!device.startsWith('.') && device !== 'shm') FS.unlink(`/dev/${device}`);
  }
  // Without this, errors go to stderr, and reading continues.
  library.activate_throwing_error_handler();
  // A random name, so that the file cannot refer to itself.
  const path = `/${randomUUID()}.h5`;
  FS.writeFile(path, content);
  return new KerasFileReader(library, new File(path, 'r'), mostBytes).read();
}
