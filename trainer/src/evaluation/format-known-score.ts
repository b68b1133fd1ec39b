import type { KnownScore } from 'shared/contract/model-card';
import { formatPercent } from '../files/progress.ts';

/** A line for each kind of unknown images that the score was measured on. */
export function formatKnownScore({ keep, images, measured }: KnownScore): string {
  return [
    `Unknown images: the threshold keeps ${formatPercent(keep)} of ${images} validation images.`,
    ...measured.map(
      ({ unknown, images, known, auroc, kept, letThrough }) =>
        `${unknown} (${images}): AUROC ${auroc.toFixed(3)}, ${formatPercent(letThrough)} let through where ${formatPercent(kept)} of ${known} test images are kept.`,
    ),
  ].join('\n');
}
