import * as tf from '@tensorflow/tfjs';
import type { StageConfig } from '../config/train-config.ts';
import type { Parameter } from '../plan/operation.ts';
import { adamStep, BETA1, BETA2, movingAverage } from './adam-step.ts';

export type OptimizerConfig = Pick<
  StageConfig,
  'optimizer' | 'momentum' | 'weightDecay' | 'clipNorm' | 'ema'
>;

/** The optimizer's state of one parameter. */
interface Slots {
  /** Adam's first and second moments. */
  readonly mean?: tf.Variable;
  readonly square?: tf.Variable;
  /** SGD's momentum buffer. */
  readonly velocity?: tf.Variable;
  /** EMA of the parameter. */
  readonly average?: tf.Variable;
}

/**
 * Updates parameters by gradient descent: Adam with Keras' defaults (Kingma & Ba 2015, Algorithm 1, with
 * the bias correction of §2), or SGD with momentum as in PyTorch. Optional: decoupled weight decay of
 * kernels (Loshchilov & Hutter 2019), gradient clipping by global norm (Pascanu et al. 2013,
 * Algorithm 1), and an exponential moving average (EMA) of the parameters.
 */
export class Optimizer {
  readonly #config: OptimizerConfig;
  readonly #parameters: readonly (Parameter & { readonly slots: Slots })[];
  #steps = 0;

  constructor(parameters: readonly Parameter[], config: OptimizerConfig) {
    this.#config = config;
    const { optimizer, momentum, ema } = config;
    this.#parameters = parameters.map(({ name, value }) => {
      const zeros = () => tf.tidy(() => tf.variable(tf.zerosLike(value), false));
      const slots = {
        ...(optimizer !== 'sgd' && { mean: zeros(), square: zeros() }),
        ...(optimizer === 'sgd' && momentum > 0 && { velocity: zeros() }),
        ...(ema > 0 && { average: tf.tidy(() => tf.variable(value.clone(), false)) }),
      };
      return { name, value, slots };
    });
  }

  /** @param gradients of every parameter, by name; not disposed of */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number): void {
    this.#steps += 1;
    const { weightDecay, ema } = this.#config;
    const scale = this.#clipScale(gradients);
    // Early on, a smaller decay lets the EMA forget its initial value (TensorFlow's ExponentialMovingAverage).
    const keep = Math.min(ema, (1 + this.#steps) / (10 + this.#steps));
    for (const { name, value, slots } of this.#parameters) {
      const gradient = gradients.get(name);
      if (!gradient) throw new Error(`The optimizer has no gradient for ${name}.`);
      tf.tidy(() => {
        // Only kernels are decayed, not biases.
        const decay = value.rank > 1 ? learningRate * weightDecay : 0;
        this.#move(value, gradient, slots, { scale, stays: 1 - decay, rate: learningRate });
        slots.average?.assign(movingAverage(slots.average, value, 1 - keep));
      });
    }
  }

  #move(
    value: tf.Variable,
    gradient: tf.Tensor,
    { mean, square, velocity }: Slots,
    { scale, stays, rate }: { scale: number; stays: number; rate: number },
  ): void {
    if (mean && square) {
      const correction = Math.sqrt(1 - BETA2 ** this.#steps) / (1 - BETA1 ** this.#steps);
      const numbers = { scale, stays, rate: rate * correction };
      const next = adamStep({ value, gradient, mean, square }, numbers);
      value.assign(next.value);
      mean.assign(next.mean);
      square.assign(next.square);
      return;
    }
    const scaled = scale === 1 ? gradient : gradient.mul(scale);
    velocity?.assign(velocity.mul(this.#config.momentum).add(scaled));
    const stay = stays === 1 ? value : value.mul(stays);
    value.assign(stay.sub((velocity ?? scaled).mul(rate)));
  }

  /** The factor that scales the global norm of the gradients down to `clipNorm`. */
  #clipScale(gradients: ReadonlyMap<string, tf.Tensor>): number {
    const { clipNorm } = this.#config;
    if (clipNorm === 0) return 1;
    const norm = tf.tidy(() => {
      const squares = [...gradients.values()].map((gradient) => {
        const vector = gradient.flatten();
        return tf.dot(vector, vector);
      });
      return Math.sqrt(tf.addN(squares).dataSync()[0] as number);
    });
    return norm > clipNorm ? clipNorm / norm : 1;
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
