import * as tf from '@tensorflow/tfjs';
import type { StageConfig } from '../config/train-config.ts';
import type { Parameter } from '../plan/operation.ts';
import { adamStep, BETA1, BETA2, movingAverage } from './adam-step.ts';

export type OptimizerConfig = Pick<
  StageConfig,
  'optimizer' | 'momentum' | 'weightDecay' | 'clipNorm' | 'ema'
>;

/** What the optimizer remembers of a parameter from step to step. */
interface Slots {
  /** Adam's first and second moment. */
  readonly mean?: tf.Variable;
  readonly square?: tf.Variable;
  /** The sum of SGD's gradients, each earlier one weighing less. */
  readonly velocity?: tf.Variable;
  /** The parameter's own moving average. */
  readonly average?: tf.Variable;
}

/**
 * Moves parameters against their gradients: Adam with Keras' defaults (Kingma & Ba 2015,
 * Algorithm 1, with the bias correction of §2) or SGD with momentum as PyTorch has it; weight
 * decay of kernels, decoupled from the gradients (Loshchilov & Hutter 2019); gradients clipped by
 * their common norm (Pascanu et al. 2013, Algorithm 1); a moving average of the parameters.
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

  /** @param gradients of every parameter, by name; kept */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number): void {
    this.#steps += 1;
    const { weightDecay, ema } = this.#config;
    const scale = this.#clipScale(gradients);
    // A young average would remember the start for long (TensorFlow's ExponentialMovingAverage).
    const keep = Math.min(ema, (1 + this.#steps) / (10 + this.#steps));
    for (const { name, value, slots } of this.#parameters) {
      const gradient = gradients.get(name);
      if (!gradient) throw new Error(`The optimizer has no gradient for ${name}.`);
      tf.tidy(() => {
        // Biases are few and must go where they have to.
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

  /** What the gradients are multiplied with, so that all of them as one vector are no longer than allowed. */
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

  /** Runs something with the averages in the parameters' place, where there are averages. */
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

  /** What it remembers, by name, for a checkpoint; still owned by the optimizer. */
  state(): [string, tf.Variable][] {
    return this.#parameters.flatMap(({ name, slots }) =>
      Object.entries<tf.Variable>({ ...slots }).map(([slot, value]): [string, tf.Variable] => [
        `${slot}/${name}`,
        value,
      ]),
    );
  }

  /** Goes on from a checkpoint whose values have been assigned to those of `state()`. */
  resumeAt(steps: number): void {
    this.#steps = steps;
  }

  dispose(): void {
    for (const [, value] of this.state()) value.dispose();
  }
}
