import type { StageConfig } from '../config/train-config.ts';

/**
 * Linear warm-up, then a cosine (Loshchilov & Hutter 2017, equation 5, one cycle).
 *
 * @param step counted from 0 over all epochs
 */
export function learningRate(
  { peakLearningRate, finalLearningRate, warmup }: StageConfig,
  step: number,
  steps: number,
): number {
  const warmupSteps = warmup * steps;
  if (step < warmupSteps) return (peakLearningRate * (step + 1)) / (warmupSteps + 1);
  const progress = (step - warmupSteps) / Math.max(steps - warmupSteps, 1);
  const cosine = (1 + Math.cos(Math.PI * progress)) / 2;
  return finalLearningRate + (peakLearningRate - finalLearningRate) * cosine;
}
