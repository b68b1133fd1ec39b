import { Worker } from 'node:worker_threads';
import { moduleUrl } from '../../files/module-url.ts';
import { MAX_FILE_BYTES } from '../safetensors/safetensors.ts';
import { weightsInvalid } from '../weights-invalid.ts';
import type { StoredLayer } from './stored-layers.ts';

/** The content of a Keras file, before it is known which network it belongs to. */
export type KerasFile =
  /** The layers of Keras 2's, in their order, those of a network used as a layer among them. */
  | {
      readonly kind: 'ordered';
      readonly layers: readonly StoredLayer[];
      /** A network used as a layer whose own layers are in another order, since a part of it was frozen. */
      readonly shuffled: string | undefined;
    }
  /** Those of Keras 3's, by their classes' names and numbers, of each network that is in another. */
  | { readonly kind: 'numbered'; readonly containers: readonly (readonly StoredLayer[])[] };

/** The input of the thread. */
export interface KerasFileTask {
  readonly bytes: Uint8Array;
  readonly format: 'hdf5' | 'zip';
  /** The most bytes that the file may unpack to. */
  readonly mostBytes: number;
}

/** Some damaged files keep the HDF5 library busy for ever. Reading 500 MB takes about 3 s. */
const TIMEOUT_MS = 12_000;
const TIMEOUT_MS_PER_MB = 50;

/**
 * Reads a Keras file in a thread that has no access to other files and is stopped when it takes too long.
 *
 * @param bytes of the file; they are transferred to the thread
 * @throws TrainerError `weights_invalid`
 */
export async function readKerasFile(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  format: KerasFileTask['format'],
): Promise<KerasFile> {
  const task: KerasFileTask = { bytes, format, mostBytes: MAX_FILE_BYTES };
  const timeoutMs = TIMEOUT_MS + (TIMEOUT_MS_PER_MB * bytes.length) / 1e6;
  const thread = new Worker(moduleUrl('keras-file-thread', import.meta), {
    workerData: task,
    transferList: [bytes.buffer],
    // The library's own messages about damage do not help the user.
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<KerasFile>((resolve, reject) => {
      const refuse = (but: string, cause?: unknown) => reject(weightsInvalid(path, but, cause));
      thread.once('message', (message: { file: KerasFile } | { but: string; cause?: string }) => {
        if ('file' in message) resolve(message.file);
        else refuse(message.but, message.cause);
      });
      // Where the library has run out of memory, or has stopped.
      thread.once('error', (cause) => refuse('it is damaged or cut short', cause));
      thread.once('exit', () => refuse('it is damaged or cut short'));
      timer = setTimeout(() => refuse('it is damaged, so that reading it does not end'), timeoutMs);
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
