import * as tf from '@tensorflow/tfjs';
import { cutPlan, type Plan } from './plan.ts';
import { runPlan } from './run.ts';

/** Keras' epsilon of BatchNormalization. */
const EPSILON = 1e-3;

/**
 * Sets a convolution's BatchNorm so that the step's output has mean 0 and variance 1 in each
 * channel on a batch of images (Salimans & Kingma 2016, §3). BatchNorm is frozen in training, and
 * that of a new layer has no averages yet.
 *
 * @param name of a convolution step with BatchNorm and without activation; its constants are
 *   disposed of
 * @param imageBatch `[n, size, size, 3]`, kept
 * @returns the plan with that step in place of the old one
 */
export function normalizeStep(plan: Plan, name: string, imageBatch: tf.Tensor): Plan {
  const { trunk } = cutPlan(plan, name);
  const [scale, shift] = tf.tidy(() => {
    const last = trunk.steps.at(-1);
    if (last?.kind !== 'convolution' || !last.batchNorm)
      throw new Error(`${name} has no BatchNorm.`);
    const { mean, variance } = tf.moments(runPlan(trunk, imageBatch), [0, 1, 2]);
    const factor = variance.add(EPSILON).rsqrt();
    const { scale, shift } = last.batchNorm;
    return [scale.mul(factor), shift.sub(mean).mul<tf.Tensor1D>(factor)];
  });
  const steps = plan.steps.map((step) => {
    if (step.name !== name || step.kind !== 'convolution') return step;
    tf.dispose([step.batchNorm?.scale ?? [], step.batchNorm?.shift ?? []]);
    return { ...step, batchNorm: { scale, shift } };
  });
  return { ...plan, steps };
}
