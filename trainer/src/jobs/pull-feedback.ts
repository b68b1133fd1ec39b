import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FeedbackLine, feedbackLine } from 'shared/contract/feedback';
import { FEEDBACK_FOLDER } from '../datasets/folders/is-clutter.ts';
import { TrainerError } from '../errors.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';
import { nextPage, type Send } from './worker-client.ts';

const LINES = 'feedback.jsonl';

/** A line of `_feedback/feedback.jsonl`, which has one for each image beside it. */
type PulledImage = Omit<FeedbackLine, 'id' | 'format'> & {
  /** The name of the image's file. */
  readonly file: string;
};

/**
 * Brings the images that a Worker has kept into a folder of images, below `_feedback`. Those that are there
 * stay, and get the labels that came since.
 *
 * @param folder of images
 * @returns how many images there are now, and how many of these are new
 * @throws TrainerError `download_failed`, `config_invalid`, `not_writable`, `disk_full`
 */
export async function pullFeedback(
  send: Send,
  folder: string,
): Promise<{ readonly images: number; readonly added: number; readonly path: string }> {
  const path = join(folder, FEEDBACK_FOLDER);
  const known = await readLines(join(path, LINES));
  let added = 0;
  for await (const line of listKept(send)) {
    const { id, format, ...about } = line;
    // Of an id from elsewhere, nothing but a name comes into the file's.
    const name = `${createHash('sha256').update(id).digest('hex').slice(0, 24)}.${extensionOf(format)}`;
    if (!known.has(name)) {
      const response = await send(`/feedback/${encodeURIComponent(id)}`);
      await writeFileAtomically(join(path, name), new Uint8Array(await response.arrayBuffer()));
      added++;
    }
    known.set(name, { file: name, ...about });
  }
  const lines = [...known.values()].map((image) => `${JSON.stringify(image)}\n`);
  if (lines.length > 0) await writeFileAtomically(join(path, LINES), lines.join(''));
  return { images: known.size, added, path };
}

async function* listKept(send: Send): AsyncIterable<FeedbackLine> {
  let path: string | undefined = '/feedback';
  while (path !== undefined) {
    const response: Response = await send(path);
    for (const text of (await response.text()).split('\n').filter(Boolean)) {
      const parsed = feedbackLine.safeParse(JSON.parse(text));
      if (!parsed.success) {
        throw new TrainerError(
          'download_failed',
          'Expected a kept image a line from the Worker, but got another: deploy the version that you have here.',
        );
      }
      yield parsed.data;
    }
    path = nextPage(response);
  }
}

async function readLines(path: string): Promise<Map<string, PulledImage>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const images = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as PulledImage);
  return new Map(images.map((image) => [image.file, image]));
}

function extensionOf(format: string): string {
  return /^[a-z]{1,5}$/.test(format) ? format.replace('jpeg', 'jpg') : 'bin';
}
