import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TrainerError } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { writingFailed } from '../files/write-atomically.ts';

export interface RemoteFile {
  readonly url: string;
  /** Hexadecimal; null where the publisher states none. */
  readonly md5: string | null;
}

export interface DownloadOptions {
  /** Called with the progress every few seconds. */
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const ATTEMPTS = 3;
const PROGRESS_EVERY_MS = 5000;

/**
 * Downloads a file, or continues an interrupted download. `target` exists once it is complete and
 * its hash is correct; until then the bytes are in `<target>.part`.
 *
 * @throws TrainerError `download_failed`, `disk_full`; the signal's reason
 */
export async function downloadFile(
  { url, md5 }: RemoteFile,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  const partial = `${target}.part`;
  await makeFolder(dirname(target)).catch((cause: unknown) => {
    throw writingFailed(target, cause);
  });
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchInto(url, partial, options);
      break;
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (cause instanceof TrainerError) throw cause;
      const failure = writingFailed(target, cause);
      if (failure instanceof TrainerError) throw failure;
      if (attempt === ATTEMPTS || (await sizeOf(partial)) === 0) {
        throw new TrainerError(
          'download_failed',
          `${url} could not be downloaded (${reasonOf(cause)})`,
          cause,
        );
      }
    }
  }
  const hash = md5 === null ? null : await md5Of(partial);
  if (hash !== md5) {
    await rm(partial);
    throw new TrainerError(
      'download_failed',
      `${url} could not be downloaded (expected the MD5 hash ${md5}, but it has ${hash})`,
    );
  }
  await rename(partial, target);
}

async function fetchInto(
  url: string,
  partial: string,
  { say, signal }: DownloadOptions,
): Promise<void> {
  let done = await sizeOf(partial);
  const response = await fetch(url, {
    headers: {
      // A compressed response would have other offsets than the file.
      'accept-encoding': 'identity',
      ...(done > 0 && { range: `bytes=${done}-` }),
    },
    ...(signal && { signal }),
  });
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (response.status === 416 && Number(range?.[2]) === done) {
    // The whole file has been fetched already.
    await response.body?.cancel();
    return;
  }
  const resumes = response.status === 206 && Number(range?.[1]) === done;
  if (!response.body || !(response.status === 200 || resumes)) {
    await response.body?.cancel();
    // The file was replaced by another in the meantime: the next attempt starts again.
    if (done > 0) await rm(partial, { force: true });
    throw new TrainerError(
      'download_failed',
      `${url} could not be downloaded (HTTP status ${response.status})`,
    );
  }
  // A server that ignores the range sends the whole file again.
  if (!resumes) done = 0;
  const length = response.headers.get('content-length');
  const total = length === null ? null : done + Number(length);
  const progress = setInterval(
    () => say(`  ${megabytes(done)}${total === null ? '' : ` of ${megabytes(total)}`} MB`),
    PROGRESS_EVERY_MS,
  );
  try {
    await pipeline(
      Readable.fromWeb(response.body),
      async function* count(chunks) {
        for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
          done += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(partial, { flags: resumes ? 'a' : 'w' }),
      ...(signal ? [{ signal }] : []),
    );
  } finally {
    clearInterval(progress);
  }
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}

/** Node's error `fetch failed` gives the reason only in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message || String(codeOf(cause)) : message;
}
