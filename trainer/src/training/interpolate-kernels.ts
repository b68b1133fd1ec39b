import * as tf from '@tensorflow/tfjs';
import { applyTemperature, fitTemperature } from '../evaluation/calibration.ts';
import type { Predictions } from '../evaluation/evaluate.ts';
import { validationOf } from '../evaluation/label-metrics.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import type { Parameter } from '../plan/operation.ts';

/** The shares of the fine-tuned kernels to try, in this order. */
const SHARES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];

export interface Interpolation {
  /** Share of the fine-tuned kernels in the result, 0–1; the rest are the pretrained ones. */
  readonly share: number;
  /** Calibrated validation loss with the fine-tuned and with the interpolated kernels, in nats. */
  readonly loss: { readonly before: number; readonly after: number };
}

/**
 * WiSE-FT (Wortsman et al. 2022): interpolates linearly from the fine-tuned kernels towards the pretrained
 * ones, as far as the validation loss is no higher than with the fine-tuned ones. BatchNorm is frozen, so
 * both ends share its statistics. A network closer to the pretrained one is better on images unlike the
 * training images. Validation images cannot show that, so among equally good networks the closest to
 * the pretrained one is chosen.
 *
 * @param parameters to interpolate; those of the head are not among them
 * @param pretrained values by the parameters' names
 * @param validate computes the predictions for the validation images with the current parameters
 * @returns undefined where the kernels still equal the pretrained ones
 */
export async function interpolateKernels(
  parameters: readonly Parameter[],
  pretrained: ReadonlyMap<string, NamedTensor>,
  validate: () => Promise<Predictions>,
): Promise<Interpolation | undefined> {
  const pretrainedOf = (name: string) => pretrained.get(name) as NamedTensor;
  const changed = parameters.some(({ name, value }) => {
    const { values } = pretrainedOf(name);
    return value.dataSync().some((number, at) => number !== values[at]);
  });
  if (!changed) return undefined;
  // An interpolated network is less confident, which calibration corrects.
  const currentLoss = async () => {
    const predictions = await validate();
    return validationOf(applyTemperature(predictions, fitTemperature(predictions))).logLoss;
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
    const before = await currentLoss();
    let kept = { share: 1, loss: before };
    for (const share of SHARES) {
      interpolate(share);
      const loss = await currentLoss();
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
