import { photos } from './photos.ts';
import type { StageConfig, TrainConfig } from './train-config.ts';

/**
 * A recipe for images that may have several labels. Label smoothing keeps a softmax from certainty of one class; of
 * sigmoids it only blurs which images have a label. `photos` gets a higher learning rate where there are many
 * photos, and no higher one where there are few. Labels are
 * rarer than classes, and each weighted alike only where it is asked for. Measured in docs/multi-label.md.
 */
export function forSeveralLabels(recipe: TrainConfig): TrainConfig {
  const { stage1, stage2 } = recipe;
  const rate = recipe.name === photos.name ? { peakLearningRate: 1e-3, fullSteps: 0 } : {};
  const weightsOf = ({ classWeights }: StageConfig) =>
    classWeights === 'auto' ? 'none' : classWeights;
  return {
    ...recipe,
    stage1: { ...stage1, labelSmoothing: 0, classWeights: weightsOf(stage1) },
    stage2: { ...stage2, labelSmoothing: 0, classWeights: weightsOf(stage2), ...rate },
  };
}
