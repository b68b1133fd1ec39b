import * as tf from '@tensorflow/tfjs';
import type { Parameter } from '../plan/plan.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;

/** Adam with Keras' defaults (Kingma & Ba 2015, Algorithm 1, with the bias correction of §2). */
export class Adam {
  readonly #moments = new Map<
    string,
    { readonly mean: tf.Variable; readonly square: tf.Variable }
  >();
  #steps = 0;

  constructor(parameters: readonly Parameter[]) {
    for (const { name, value } of parameters) {
      const zeros = () => tf.tidy(() => tf.variable(tf.zerosLike(value), false));
      this.#moments.set(name, { mean: zeros(), square: zeros() });
    }
  }

  /** Moves each parameter against its gradient. */
  apply(
    parameters: readonly Parameter[],
    gradients: ReadonlyMap<string, tf.Tensor>,
    learningRate: number,
  ): void {
    this.#steps += 1;
    const correction = Math.sqrt(1 - BETA2 ** this.#steps) / (1 - BETA1 ** this.#steps);
    for (const { name, value } of parameters) {
      const gradient = gradients.get(name);
      const moments = this.#moments.get(name);
      if (!gradient || !moments) throw new Error(`Adam has no gradient for ${name}.`);
      const { mean, square } = moments;
      tf.tidy(() => {
        mean.assign(mean.add(gradient.sub(mean).mul(1 - BETA1)));
        square.assign(
          square.add(
            gradient
              .square()
              .sub(square)
              .mul(1 - BETA2),
          ),
        );
        value.assign(
          value.sub(mean.mul(learningRate * correction).div(square.sqrt().add(EPSILON))),
        );
      });
    }
  }

  get steps(): number {
    return this.#steps;
  }

  /** The moments by name, for a checkpoint; still owned by the optimizer. */
  state(): [string, tf.Variable][] {
    return [...this.#moments].flatMap(([name, { mean, square }]): [string, tf.Variable][] => [
      [`mean/${name}`, mean],
      [`square/${name}`, square],
    ]);
  }

  /** Goes on from a checkpoint whose moments have been assigned to those of `state()`. */
  resumeAt(steps: number): void {
    this.#steps = steps;
  }

  dispose(): void {
    for (const { mean, square } of this.#moments.values()) {
      mean.dispose();
      square.dispose();
    }
  }
}
