import type { StageConfig } from '../config/train-config.ts';

/** One-cycle starts at this fraction of its peak: PyTorch's `div_factor` of 25. */
const ONE_CYCLE_START = 1 / 25;

/**
 * The learning rate of a step. All schedules except for one-cycle begin with a linear warm-up (Goyal et
 * al. 2017, §2.2). After it:
 *
 * - `cosine` decays along half a cosine (Loshchilov & Hutter 2017, equation 5, one cycle);
 * - `one-cycle` rises and falls along half a cosine each (Smith & Topin 2018, as PyTorch's OneCycleLR,
 *   without cycling the momentum);
 * - `inverse-time` divides the rate by 1 + decay × steps (Keras' InverseTimeDecay, formerly `decay`);
 * - `constant` keeps the peak.
 *
 * @param step counted from 0 over all epochs
 */
export function learningRate(config: StageConfig, step: number, stepsPerEpoch: number): number {
  const { schedule, peakLearningRate, finalLearningRate, warmup, decay } = config;
  const steps = config.epochs * stepsPerEpoch;
  if (schedule === 'one-cycle') {
    const top = Math.max(0, warmup * steps - 1);
    const start = peakLearningRate * ONE_CYCLE_START;
    const fall = Math.max(1, steps - 1 - top);
    return step < top
      ? alongCosine(start, peakLearningRate, step / top)
      : alongCosine(peakLearningRate, finalLearningRate, (step - top) / fall);
  }
  const warmupSteps = warmup * steps;
  if (step < warmupSteps) return (peakLearningRate * (step + 1)) / (warmupSteps + 1);
  switch (schedule) {
    case 'cosine': {
      const progress = (step - warmupSteps) / Math.max(steps - warmupSteps, 1);
      return alongCosine(peakLearningRate, finalLearningRate, progress);
    }
    case 'inverse-time':
      return peakLearningRate / (1 + decay * step);
    case 'constant':
      return peakLearningRate;
  }
}

/** @param progress 0 at `from`, 1 at `to` */
function alongCosine(from: number, to: number, progress: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;
}
