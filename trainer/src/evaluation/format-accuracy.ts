import { formatPercent } from '../files/progress.ts';
import type { Metrics } from './metrics.ts';

/** Wider confidence intervals are printed. */
const WIDE = 0.02;

/** 95 % of the standard normal distribution lies within ±Z. */
const Z = 1.96;

type Measured = Pick<Metrics, 'top1' | 'images'>;

/** Top-1 accuracy, with its confidence interval where that is wide because the images are few. */
export function formatAccuracy(measured: Measured): string {
  const interval = formatInterval(measured);
  return formatPercent(measured.top1) + (interval && ` (${interval})`);
}

/** The confidence interval of a top-1 accuracy; nothing where it is narrow. */
export function formatInterval({ top1, images }: Measured): string {
  const [low, high] = wilsonInterval(top1, images);
  if (high - low <= WIDE) return '';
  const [from, to] = [low, high].map((share) => Math.round(100 * share));
  return `95 % confidence interval ${from} to ${to} %`;
}

/**
 * The Wilson score interval of a proportion.
 *
 * @param share observed among `count`, 0–1
 * @returns the 95 % confidence interval, 0–1
 * @see Wilson 1927, Probable inference, the law of succession, and statistical inference
 */
export function wilsonInterval(share: number, count: number): [low: number, high: number] {
  const weight = 1 / (1 + Z ** 2 / count);
  const middle = weight * (share + Z ** 2 / (2 * count));
  const reach = weight * Z * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
}
