import * as tf from '@tensorflow/tfjs';

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

/** Keras' `Rescaling` with a factor for each channel, which that of tf.layers lacks. */
export class Rescaling extends tf.layers.Layer {
  static readonly className = 'Rescaling';
  readonly #scale: readonly number[];

  constructor({ name, scale }: { readonly name: string; readonly scale: readonly number[] }) {
    super({ name } as LayerArgs);
    this.#scale = scale;
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat() as [tf.Tensor];
    return tf.mul(input, [...this.#scale]);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), scale: [...this.#scale] };
  }
}

/** Keras' `Normalization`, `(x − mean) / √variance`, which tf.layers lacks. */
export class Normalization extends tf.layers.Layer {
  static readonly className = 'Normalization';
  readonly #start: { readonly mean: readonly number[]; readonly variance: readonly number[] };
  #mean: tf.LayerVariable | undefined;
  #variance: tf.LayerVariable | undefined;

  /** @param start the initial weights */
  constructor(
    args: { readonly name: string },
    start: { readonly mean: readonly number[]; readonly variance: readonly number[] },
  ) {
    super(args as LayerArgs);
    this.#start = start;
  }

  override build(inputShape: tf.Shape): void {
    const channels = [inputShape.at(-1) as number];
    const weight = (name: string, shape: number[], values: readonly number[]) => {
      const start = tf.initializers.zeros();
      start.apply = () => tf.tensor([...values], shape);
      return this.addWeight(name, shape, 'float32', start, undefined, false);
    };
    this.#mean = weight('mean', channels, this.#start.mean);
    this.#variance = weight('variance', channels, this.#start.variance);
    // The number of images that Keras computed them from; nothing reads it.
    weight('count', [], [0]);
    this.built = true;
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat() as [tf.Tensor];
    const [mean, variance] = [this.#mean, this.#variance] as [tf.LayerVariable, tf.LayerVariable];
    return tf.tidy(() => input.sub(mean.read()).div(variance.read().sqrt()));
  }
}
