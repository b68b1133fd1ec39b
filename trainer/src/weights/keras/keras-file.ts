import { Worker } from 'node:worker_threads';
import { MAX_FILE_BYTES } from '../safetensors/safetensors.ts';
import { weightsInvalid } from '../weights-invalid.ts';
import type { StoredLayer } from './stored-layers.ts';

/** What a file of Keras holds, before it is known of which network. */
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

/** What the thread is given. */
export interface KerasFileTask {
  readonly bytes: Uint8Array;
  readonly format: 'hdf5' | 'zip';
  /** That it may unpack to. */
  readonly mostBytes: number;
}

/** Some damaged files keep the HDF5 library busy for ever. 500 MB take some 3 s. */
const TIMEOUT_MS = 12_000;
const TIMEOUT_MS_PER_MB = 50;

/**
 * Takes a file of Keras apart, in a thread that has no other files and is ended when it takes too long.
 *
 * @param bytes are gone afterwards
 * @throws TrainerError `weights_invalid`
 */
export async function readKerasFile(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  format: KerasFileTask['format'],
): Promise<KerasFile> {
  const task: KerasFileTask = { bytes, format, mostBytes: MAX_FILE_BYTES };
  const timeoutMs = TIMEOUT_MS + (TIMEOUT_MS_PER_MB * bytes.length) / 1e6;
  const thread = new Worker(new URL('keras-file-thread.ts', import.meta.url), {
    workerData: task,
    transferList: [bytes.buffer],
    // What the library has to say of damage is of no use to anyone here.
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
      // Of a library that has run out of memory, or stopped.
      thread.once('error', (cause) => refuse('it is damaged or cut short', cause));
      thread.once('exit', () => refuse('it is damaged or cut short'));
      timer = setTimeout(() => refuse('it is damaged so that reading it has no end'), timeoutMs);
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
