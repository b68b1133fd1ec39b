import * as tf from '@tensorflow/tfjs';
import { expectConfig } from '../layers/layer-options.ts';

/**
 * BatchNorm in inference mode: `x * scale + shift`, two constants a channel
 * (Ioffe & Szegedy 2015, Algorithm 2, step 11).
 */
export interface FrozenBatchNorm {
  /** `gamma / sqrt(moving_variance + epsilon)`, shaped so that `kernel * scale` broadcasts. */
  readonly scale: tf.Tensor;
  /** `beta − moving_mean * scale`, `[channels]`. */
  readonly shift: tf.Tensor1D;
}

/** @param depthwise whether `scale` multiplies a depthwise kernel, `[height, width, channels, 1]` */
export function freezeBatchNorm(layer: tf.layers.Layer, depthwise: boolean): FrozenBatchNorm {
  expectConfig(layer, { scale: true, center: true });
  return tf.tidy(() => {
    const [gamma, beta, mean, variance] = layer.getWeights() as [
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
    ];
    const scale = gamma.div<tf.Tensor1D>(
      variance.add(layer.getConfig()['epsilon'] as number).sqrt(),
    );
    const shift = beta.sub<tf.Tensor1D>(mean.mul(scale));
    return { scale: depthwise ? scale.reshape([-1, 1]) : scale, shift };
  });
}
