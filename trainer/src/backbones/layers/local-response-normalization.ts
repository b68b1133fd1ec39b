import * as tf from '@tensorflow/tfjs';

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

/** `x / (bias + alpha · Σ x²)^beta` over a channel's neighbours (Krizhevsky et al. 2012, §3.3). */
export class LocalResponseNormalization extends tf.layers.Layer {
  static readonly className = 'LocalResponseNormalization';
  readonly #args = { radius: 2, bias: 2, alpha: 1e-4, beta: 0.75 };

  constructor(args: { readonly name: string }) {
    super(args as LayerArgs);
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat() as [tf.Tensor4D];
    const { radius, bias, alpha, beta } = this.#args;
    return tf.localResponseNormalization(input, radius, bias, alpha, beta);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.#args };
  }
}
