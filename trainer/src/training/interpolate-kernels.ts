import * as tf from '@tensorflow/tfjs';
import { applyTemperature, fitTemperature } from '../evaluation/calibration.ts';
import type { Predictions } from '../evaluation/evaluate.ts';
import { measure } from '../evaluation/metrics.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import type { Parameter } from '../plan/operation.ts';

/** Shares of the fine-tuned kernels that are tried, in this order. */
const SHARES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];

export interface Interpolation {
  /** Of the fine-tuned kernels in those that are kept, 0–1. */
  readonly share: number;
  /** Validation loss with the fine-tuned kernels and with those that are kept, calibrated, in nats. */
  readonly loss: { readonly before: number; readonly after: number };
}

/**
 * Moves fine-tuned kernels back towards the pretrained ones, on the straight line between them, for as
 * long as the validation loss is no higher than with the fine-tuned ones (WiSE-FT, Wortsman et al. 2022).
 * BatchNorm is frozen, so both ends share its statistics. A network near the pretrained one is better on
 * images unlike those that it was fine-tuned on, which no validation image shows: so of those that
 * validate alike, the nearest is kept.
 *
 * @param parameters in which the kernels are replaced; those of the head stay out of it
 * @param pretrained by the parameters' names
 * @param validate answers to the validation images with the parameters as they are
 * @returns undefined where the kernels are the pretrained ones
 */
export async function interpolateKernels(
  parameters: readonly Parameter[],
  pretrained: ReadonlyMap<string, NamedTensor>,
  validate: () => Promise<Predictions>,
): Promise<Interpolation | undefined> {
  const pretrainedOf = (name: string) => pretrained.get(name) as NamedTensor;
  const moved = parameters.some(({ name, value }) => {
    const { values } = pretrainedOf(name);
    return value.dataSync().some((number, at) => number !== values[at]);
  });
  if (!moved) return undefined;
  // A network halfway is less sure of itself, which calibration sets right.
  const lossNow = async () => {
    const answers = await validate();
    return measure(applyTemperature(answers, fitTemperature(answers))).logLoss;
  };
  const tuned = parameters.map(({ value }) => tf.tidy(() => value.clone()));
  const interpolate = (share: number) => {
    for (const [at, { name, value }] of parameters.entries()) {
      tf.tidy(() => {
        const { values, shape } = pretrainedOf(name);
        const from = tf.tensor(values, [...shape]);
        value.assign(from.add((tuned[at] as tf.Tensor).sub(from).mul(share)));
      });
    }
  };
  try {
    const before = await lossNow();
    let kept = { share: 1, loss: before };
    for (const share of SHARES) {
      interpolate(share);
      const loss = await lossNow();
      if (loss > before) break;
      kept = { share, loss };
    }
    if (kept.share < 1) interpolate(kept.share);
    else for (const [at, { value }] of parameters.entries()) value.assign(tuned[at] as tf.Tensor);
    return { share: kept.share, loss: { before, after: kept.loss } };
  } finally {
    tf.dispose(tuned);
  }
}
