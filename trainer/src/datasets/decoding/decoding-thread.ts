// One thread of decoding-threads.ts: reads and decodes one file after the other.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { ImageError, type ImageErrorCode } from 'shared/images/image-error';
import { thumbnailOf } from '../copies/thumbnail.ts';
import { decodeFile, type FileImage } from './decode-file.ts';

export interface DecodingTask {
  readonly id: number;
  /** The bytes or the path of the file. */
  readonly file: Uint8Array | string;
  readonly size: number;
  /** Whether to return the image itself, or what is known about it. */
  readonly wants: 'image' | 'facts';
}

export interface DecodingAnswer {
  readonly id: number;
  readonly result:
    | { readonly value: FileImage | ImageFacts }
    /** Without a code where the file cannot be read at all. */
    | { readonly error: { readonly code?: ImageErrorCode; readonly message: string } };
}

/** What is known about a file that decodes. */
export interface ImageFacts extends Omit<FileImage, 'image'> {
  /** SHA-256 of the file's bytes, in hex. */
  readonly sha256: string;
  /** What it shows, in base64: see `thumbnailOf`. */
  readonly thumbnail: string;
}

const port = parentPort as MessagePort;
let work = Promise.resolve();
port.on('message', (task: DecodingTask) => {
  work = work.then(() => answer(task));
});

async function answer({ id, file, size, wants }: DecodingTask): Promise<void> {
  try {
    const bytes = typeof file === 'string' ? await readFile(file) : file;
    const image = await decodeFile(bytes, size);
    if (wants === 'image') {
      reply({ id, result: { value: image } }, [image.image.data.buffer as ArrayBuffer]);
      return;
    }
    const { image: pixels, ...facts } = image;
    const thumbnail = thumbnailOf(pixels);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    reply({ id, result: { value: { ...facts, sha256, thumbnail } } });
  } catch (error) {
    const code = error instanceof ImageError ? { code: error.code } : {};
    reply({ id, result: { error: { ...code, message: String((error as Error).message) } } });
  }
}

/** @param given memory that is transferred to the other thread */
function reply(answer: DecodingAnswer, given: readonly ArrayBuffer[] = []): void {
  port.postMessage(answer, given);
}
