import { article } from './article.ts';
import { best } from './best.ts';
import { fast } from './fast.ts';
import { photos } from './photos.ts';
import { smoke } from './smoke.ts';
import type { TrainConfig } from './train-config.ts';

/** The recipes that `train --config` accepts; the first is the default. */
export const configs: Readonly<Record<string, TrainConfig>> = {
  fast,
  photos,
  best,
  article,
  smoke,
};
