import { fast } from './fast.ts';
import { type TrainConfig, trainConfig } from './train-config.ts';

/**
 * Both stages on 1,000 images at 64 px, to check that everything works.
 *
 *     pnpm --filter trainer train --config smoke
 */
export const smoke: TrainConfig = trainConfig.parse({
  ...fast,
  name: 'smoke',
  freeze: 0,
  size: 64,
  limit: 1000,
  stage1: { ...fast.stage1, epochs: 10, minSteps: 0, batchSize: 32 },
  stage2: { ...fast.stage2, epochs: 1, minSteps: 0, ema: 0 },
});
