// The thread of keras-file.ts: takes a file of Keras apart, away from all other files. It knows nothing of
// networks.
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
  // The build for browsers, 3 MB of WebAssembly, has no file system but one in memory. A dataset may name
  // any file as the place of its numbers, and there none of this machine's can be found.
  const { ready, File } = await import('h5wasm');
  const library = await ready;
  const { FS } = library;
  for (const device of FS.readdir('/dev')) {
    if (!device.startsWith('.') && device !== 'shm') FS.unlink(`/dev/${device}`);
  }
  // Else what is wrong with a file goes to stderr, and reading goes on.
  library.activate_throwing_error_handler();
  // A name that the file cannot know, so that it does not name itself.
  const path = `/${randomUUID()}.h5`;
  FS.writeFile(path, content);
  return new KerasFileReader(library, new File(path, 'r'), mostBytes).read();
}
