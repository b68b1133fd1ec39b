import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { FEEDBACK_FOLDER } from '../datasets/folders/is-clutter.ts';
import { parseJson } from '../files/parse-json.ts';

const line = z.object({
  file: z.string(),
  predicted: z.string(),
  probability: z.number(),
  /** Of the image showing one of the classes at all, 0–1. */
  score: z.number().optional(),
  /** Of several labels an image, those that the model gave. */
  labels: z.array(z.string()).optional(),
  /** What the page's user said that it is. */
  label: z.string().optional(),
});

/** An image from production. */
export interface FeedbackImage {
  /** Relative to the folder of images. */
  readonly file: string;
  readonly path: string;
  readonly sha256: string;
  readonly predicted: string;
  readonly probability: number;
  readonly score?: number | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly suggested?: string | undefined;
}

/**
 * The images from production, the most doubtful first: those that a user has corrected, then those with the
 * lowest score. Each once; lines without an image are left out.
 *
 * @param folder of images
 */
export async function readFeedback(folder: string): Promise<FeedbackImage[]> {
  const directory = join(folder, FEEDBACK_FOLDER);
  const names = await readdir(directory).catch(() => []);
  const found = new Map<string, FeedbackImage>();
  for (const name of names.filter((one) => one.endsWith('.jsonl')).sort()) {
    for (const text of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      const parsed = line.safeParse(parseJson(text));
      if (!parsed.success) continue;
      const { file: written, label, ...prediction } = parsed.data;
      // Of a path the last part only: the file lies beside its line.
      const path = join(directory, basename(written));
      const bytes = await readFile(path).catch(() => undefined);
      if (!bytes) continue;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const file = `${FEEDBACK_FOLDER}/${basename(written)}`;
      found.set(sha256, { file, path, sha256, ...prediction, suggested: label });
    }
  }
  const doubt = ({ suggested, score, probability }: FeedbackImage) =>
    suggested === undefined ? (score ?? probability) : -1;
  return [...found.values()].sort((a, b) => doubt(a) - doubt(b));
}
