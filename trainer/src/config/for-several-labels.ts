import { photos } from './photos.ts';
import type { TrainConfig } from './train-config.ts';

/**
 * A recipe for images that may have several labels. Label smoothing keeps a softmax from certainty of one class; of
 * sigmoids it only blurs which images have a label. `photos` gets a higher learning rate where there are many
 * photos, and no higher one where there are few. Measured in docs/multi-label.md.
 */
export function forSeveralLabels(recipe: TrainConfig): TrainConfig {
  const { stage1, stage2 } = recipe;
  const rate = recipe.name === photos.name ? { peakLearningRate: 1e-3, fullSteps: 0 } : {};
  return {
    ...recipe,
    stage1: { ...stage1, labelSmoothing: 0 },
    stage2: { ...stage2, labelSmoothing: 0, ...rate },
  };
}
