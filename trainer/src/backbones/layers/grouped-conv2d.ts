import * as tf from '@tensorflow/tfjs';
import { byGroup } from '../../plan/by-group.ts';
import { type Activation, activate } from '../../plan/steps/activation.ts';
import { windowedShape } from '../../plan/window.ts';

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

export interface GroupedConv2DArgs {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: 'same' | 'valid';
  readonly groups: number;
  readonly useBias: boolean;
  readonly activation: 'linear' | Activation;
  readonly kernelInitializer: ReturnType<typeof tf.initializers.varianceScaling>;
}

/** Keras' `Conv2D` with `groups`, which that of tf.layers lacks. */
export class GroupedConv2D extends tf.layers.Layer {
  static readonly className = 'GroupedConv2D';
  readonly #args: GroupedConv2DArgs;
  #weights: tf.LayerVariable[] = [];

  constructor(args: GroupedConv2DArgs) {
    super({ name: args.name } as LayerArgs);
    this.#args = args;
  }

  override build(inputShape: tf.Shape): void {
    const { kernelSize, groups, filters, useBias, kernelInitializer } = this.#args;
    const shape = [kernelSize, kernelSize, (inputShape.at(-1) as number) / groups, filters];
    this.#weights = [this.addWeight('kernel', shape, 'float32', kernelInitializer)];
    if (useBias) {
      this.#weights.push(this.addWeight('bias', [filters], 'float32', tf.initializers.zeros()));
    }
    this.built = true;
  }

  override computeOutputShape([n = null, height, width]: tf.Shape): tf.Shape {
    const { kernelSize, strides, padding, filters } = this.#args;
    const window = [kernelSize, kernelSize] as const;
    const sides = [height as number, width as number] as const;
    return [n, ...windowedShape(sides, window, [strides, strides], padding), filters];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { groups, strides, padding, activation } = this.#args;
    const parts = [inputs, this.#weights.map((weight) => weight.read())].flat();
    return tf.tidy(() => {
      const output = byGroup(groups, parts, ([x, filter, bias]) => {
        const y = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, padding);
        return bias ? y.add(bias) : y;
      });
      return activation === 'linear' ? output : activate(activation, output);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { kernelSize, strides, kernelInitializer: _, ...rest } = this.#args;
    return {
      ...super.getConfig(),
      ...rest,
      ...{ kernelSize: [kernelSize, kernelSize], strides: [strides, strides] },
      dilationRate: [1, 1],
    };
  }
}
