import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ImageError } from 'shared/images/image-error';
import { moduleUrl } from '../../files/module-url.ts';
import type { FileImage } from './decode-file.ts';
import type { DecodingAnswer, DecodingTask, ImageFacts } from './decoding-thread.ts';

/** More threads would wait for the disk, and each takes memory. */
const MAX_THREADS = 16;

interface Waiting {
  readonly task: DecodingTask;
  resolve(value: FileImage | ImageFacts): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** In the order in which the thread works on them. */
  readonly waiting: Map<number, Waiting>;
}

/**
 * Threads that read and decode image files, also while training blocks the calling thread. They
 * start with the first files, at most one a core, and keep the process alive only while a caller
 * waits for a file.
 *
 * Callers limit how many files wait at a time: each file is given to a thread immediately.
 */
export class DecodingThreads {
  readonly #most: number;
  readonly #threads = new Set<Thread>();
  #lastId = 0;

  constructor(most = Math.min(availableParallelism(), MAX_THREADS)) {
    this.#most = most;
  }

  /**
   * @param file the bytes or the path of an image file
   * @param size side of the network's input, in pixels: see `decodeFile`
   * @throws ImageError as the Worker does; Error where the file cannot be read at all
   */
  decode(file: Uint8Array | string, size: number): Promise<FileImage> {
    return this.#ask(file, size, 'image') as Promise<FileImage>;
  }

  /** Decodes a file to check it and to learn its size and hash. @see decode */
  inspect(file: Uint8Array | string, size: number): Promise<ImageFacts> {
    return this.#ask(file, size, 'facts') as Promise<ImageFacts>;
  }

  #ask(
    file: Uint8Array | string,
    size: number,
    wants: DecodingTask['wants'],
  ): Promise<FileImage | ImageFacts> {
    this.#lastId += 1;
    const task = { id: this.#lastId, file, size, wants };
    return new Promise((resolve, reject) => this.#give({ task, resolve, reject }));
  }

  #give(waiting: Waiting): void {
    const thread = this.#leastBusy();
    thread.worker.ref();
    thread.waiting.set(waiting.task.id, waiting);
    thread.worker.postMessage(waiting.task);
  }

  #leastBusy(): Thread {
    const [first] = [...this.#threads].sort((a, b) => a.waiting.size - b.waiting.size);
    const isEnough = this.#threads.size >= this.#most || first?.waiting.size === 0;
    return first && isEnough ? first : this.#start();
  }

  #start(): Thread {
    // Options of this process, such as `--eval`, do not apply to a thread.
    const worker = new Worker(moduleUrl('decoding-thread', import.meta), { execArgv: [] });
    const thread: Thread = { worker, waiting: new Map() };
    let reason = 'it was stopped';
    worker.on('message', ({ id, result }: DecodingAnswer) => {
      const waiting = thread.waiting.get(id);
      thread.waiting.delete(id);
      if (thread.waiting.size === 0) worker.unref();
      if ('value' in result) return waiting?.resolve(result.value);
      const { code, message } = result.error;
      waiting?.reject(code ? new ImageError(code, message) : new Error(message));
    });
    worker.on('error', ({ message }) => {
      reason = message;
    });
    worker.on('exit', () => {
      this.#threads.delete(thread);
      // The first file may have ended the thread; the others had not been started.
      const [first, ...others] = thread.waiting.values();
      first?.reject(new Error(`The thread that decodes the file has ended: ${reason}.`));
      for (const waiting of others) this.#give(waiting);
    });
    this.#threads.add(thread);
    return thread;
  }
}

/** The decoding threads of this process. */
export const decodingThreads = new DecodingThreads();
