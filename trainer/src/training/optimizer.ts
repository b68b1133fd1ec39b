import * as tf from '@tensorflow/tfjs';
import type { StageConfig } from '../config/train-config.ts';
import type { Parameter } from '../plan/operation.ts';
import { adamStep, BETA1, movingAverage } from './adam-step.ts';

export type OptimizerConfig = Pick<StageConfig, 'weightDecay' | 'beta2' | 'ema'>;

/** The optimizer's state of one parameter. */
interface Slots {
  /** Adam's first and second moments. */
  readonly mean: tf.Variable;
  readonly square: tf.Variable;
  /** EMA of the parameter. */
  readonly average?: tf.Variable;
}

/**
 * Updates parameters by gradient descent: Adam with Keras' defaults but for β₂ (Kingma & Ba 2015, Algorithm 1,
 * with the bias correction of §2). Optional: decoupled weight decay of kernels (Loshchilov & Hutter 2019), and an
 * exponential moving average (EMA) of the parameters.
 */
export class Optimizer {
  readonly #config: OptimizerConfig;
  readonly #parameters: readonly (Parameter & { readonly slots: Slots })[];
  #steps = 0;

  constructor(parameters: readonly Parameter[], config: OptimizerConfig) {
    this.#config = config;
    const { ema } = config;
    this.#parameters = parameters.map(({ name, value }) => {
      const zeros = () => tf.tidy(() => tf.variable(tf.zerosLike(value), false));
      const slots = {
        mean: zeros(),
        square: zeros(),
        ...(ema > 0 && { average: tf.tidy(() => tf.variable(value.clone(), false)) }),
      };
      return { name, value, slots };
    });
  }

  /** @param gradients of every parameter, by name; not disposed of */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number): void {
    this.#steps += 1;
    const { weightDecay, beta2, ema } = this.#config;
    // Early on, a smaller decay lets the EMA forget its initial value (TensorFlow's ExponentialMovingAverage).
    const keep = Math.min(ema, (1 + this.#steps) / (10 + this.#steps));
    const correction = Math.sqrt(1 - beta2 ** this.#steps) / (1 - BETA1 ** this.#steps);
    for (const { name, value, slots } of this.#parameters) {
      const gradient = gradients.get(name);
      if (!gradient) throw new Error(`The optimizer has no gradient for ${name}.`);
      tf.tidy(() => {
        // Only kernels are decayed, not biases.
        const decay = value.rank > 1 ? learningRate * weightDecay : 0;
        const numbers = { stays: 1 - decay, rate: learningRate * correction, beta2 };
        const next = adamStep({ value, gradient, ...slots }, numbers);
        value.assign(next.value);
        slots.mean.assign(next.mean);
        slots.square.assign(next.square);
        slots.average?.assign(movingAverage(slots.average, value, 1 - keep));
      });
    }
  }

  /** Runs something with the EMA weights in place of the raw ones, if EMA is enabled. */
  async averaged<T>(run: () => Promise<T>): Promise<T> {
    this.#swapAverages();
    try {
      return await run();
    } finally {
      this.#swapAverages();
    }
  }

  #swapAverages(): void {
    for (const { value, slots } of this.#parameters) {
      tf.tidy(() => {
        const latest = value.clone();
        if (!slots.average) return;
        value.assign(slots.average.clone());
        slots.average.assign(latest);
      });
    }
  }

  get steps(): number {
    return this.#steps;
  }

  /** The state by name, for a checkpoint; the optimizer still owns the variables. */
  state(): [string, tf.Variable][] {
    return this.#parameters.flatMap(({ name, slots }) =>
      Object.entries<tf.Variable>({ ...slots }).map(([slot, value]): [string, tf.Variable] => [
        `${slot}/${name}`,
        value,
      ]),
    );
  }

  /** Resumes from a checkpoint, after its values have been assigned to the variables of `state()`. */
  resumeAt(steps: number): void {
    this.#steps = steps;
  }

  dispose(): void {
    for (const [, value] of this.state()) value.dispose();
  }
}
