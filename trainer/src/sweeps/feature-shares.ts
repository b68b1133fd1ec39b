import { createHash } from 'node:crypto';
import type { TrainConfig } from '../config/train-config.ts';
import { messageOf, type SweepFile } from './sweep-file.ts';
import type { FeaturesMessage } from './work-message.ts';

/**
 * The shares of the features that a sweep's trials begin with. Trials whose frozen layers and images are the same
 * have the same features, which are so computed once, by all workers together.
 *
 * @param name of the sweep's folder
 * @param of shares of each trial's features
 */
export function featureShares(sweep: SweepFile, name: string, of: number): FeaturesMessage[] {
  const origins = Map.groupBy(sweep.trials, ({ config }) => originOf(config));
  return [...origins].flatMap(([origin, [trial]]) =>
    trial === undefined
      ? []
      : Array.from({ length: of }, (_, share) => ({
          kind: 'features' as const,
          ...messageOf(sweep, name, trial),
          ...{ origin, share, of },
        })),
  );
}

/** Names all that features depend on, as far as a recipe says it. */
function originOf(config: TrainConfig): string {
  const { backbone, weights, trim, head, size, seed } = config;
  const { limit, split, validation, validateFrom, test, stage1 } = config;
  const network = [backbone, weights, trim, head, size, seed];
  const images = [limit, split, validation, validateFrom, test, stage1.augment];
  return createHash('sha256')
    .update(JSON.stringify([network, images]))
    .digest('hex')
    .slice(0, 16);
}
