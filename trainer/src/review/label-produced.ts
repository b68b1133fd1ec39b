import { copyFile, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { decidedImage } from '../datasets/decisions/apply-decisions.ts';
import type { Verdict } from '../datasets/decisions/decisions.ts';
import { setLabelRow } from '../datasets/lists/label-row.ts';
import { writingFailed } from '../files/write-atomically.ts';
import type { FeedbackImage } from './feedback.ts';
import type { Review } from './open-review.ts';

type Labelled = Pick<Review, 'folder' | 'labels' | 'labelFile' | 'images' | 'decisions'>;
type Produced = Pick<FeedbackImage, 'path' | 'sha256'>;

/** The labels that a verdict gives an image; undefined where it gives none. */
export function namesIn(verdict: Verdict | null): readonly string[] | undefined {
  if (verdict?.decision === 'move') return [verdict.to];
  return verdict?.decision === 'labels' ? verdict.labels : undefined;
}

/**
 * Copies an image from production to where the labels of a verdict are read from, and takes the copies of the verdict
 * before back. What is decided about the copies is not written.
 *
 * @throws TrainerError `dataset_invalid`, `disk_full`, `not_writable`
 */
export async function labelProduced(
  review: Labelled,
  image: Produced,
  before: Verdict | null,
  after: Verdict | null,
): Promise<void> {
  const { folder, decisions, labelFile } = review;
  const named = (copy: string) => decidedImage(folder, { path: copy, hash: image.sha256 });
  for (const copy of copiesOf(review, image, before)) {
    if (labelFile !== undefined) await setLabelRow(labelFile, named(copy).file, undefined);
    await rm(copy, { force: true });
    decisions.set(named(copy), undefined);
  }
  for (const copy of copiesOf(review, image, after)) {
    await copyFile(image.path, copy).catch((cause) => {
      throw writingFailed(copy, cause);
    });
    if (labelFile !== undefined) await setLabelRow(labelFile, named(copy).file, namesIn(after));
    decisions.set(named(copy), { decision: 'added' });
  }
}

/** Paths of the copies that a verdict makes: one in the folder of each label, or one that the label file lists. */
function copiesOf(review: Labelled, { path, sha256 }: Produced, verdict: Verdict | null): string[] {
  const { folder, labelFile } = review;
  const names = namesIn(verdict);
  if (names === undefined) return [];
  const folders = labelFile === undefined ? names.map((name) => folderOf(review, name)) : [folder];
  return folders.map((one) => join(one, `feedback-${sha256.slice(0, 12)}${extname(path)}`));
}

/** That of the label's first training image. */
function folderOf({ images, folder, labels }: Labelled, name: string): string {
  const label = labels.indexOf(name);
  const own = images.find((one) => one.labels.includes(label) && one.split === 'train');
  return own ? dirname(own.path) : join(folder, name);
}
