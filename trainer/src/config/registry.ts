import { article } from './article.ts';
import { best } from './best.ts';
import { fast } from './fast.ts';
import { photos } from './photos.ts';
import { smoke } from './smoke.ts';
import type { TrainConfig } from './train-config.ts';

const recipes = { fast, photos, best, article, smoke };

export type RecipeName = keyof typeof recipes;

/** The recipes that `train --config` accepts. */
export const configs: Readonly<Record<string, TrainConfig>> = recipes;
