import type { PreprocessSpec } from 'shared/preprocess';
import { DEVIATION, MEAN } from './imagenet-statistics.ts';

/** What a pretraining did with pictures, but for the size. */
export type PreprocessMode = Omit<PreprocessSpec, 'size'>;

const photo = { fit: 'cover', filter: 'bicubic', channelOrder: 'rgb' } as const;

/**
 * The modes of Keras' `preprocess_input` (keras/src/applications/imagenet_utils.py), and that of
 * EfficientNet-Lite.
 */
export const preprocessModes = {
  /** `pixel / 127.5 − 1` */
  tf: { ...photo, scale: all(1 / 127.5), offset: all(-1) },
  /** `(pixel / 255 − mean) / deviation`; EfficientNet does the same inside the network. */
  torch: {
    ...photo,
    scale: eachChannel((channel) => 1 / (255 * (DEVIATION[channel] as number))),
    offset: eachChannel((channel) => -(MEAN[channel] as number) / (DEVIATION[channel] as number)),
  },
  /** Blue, green, red, less ImageNet's means. */
  caffe: {
    ...photo,
    channelOrder: 'bgr',
    scale: all(1),
    offset: [-103.939, -116.779, -123.68],
  },
  /** `(pixel − 127) / 128` */
  lite: { ...photo, scale: all(1 / 128), offset: all(-127 / 128) },
} as const satisfies Record<string, PreprocessMode>;

function all(value: number): readonly [number, number, number] {
  return [value, value, value];
}

function eachChannel(value: (channel: number) => number): readonly [number, number, number] {
  return [value(0), value(1), value(2)];
}
