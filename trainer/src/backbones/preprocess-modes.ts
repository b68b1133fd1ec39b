import type { ArithmeticStep, PreprocessSpec } from 'shared/contract/preprocess-spec';
import { DEVIATION, MEAN } from './imagenet-statistics.ts';

/** How a pretraining preprocessed images, except for the size. */
export type PreprocessMode = Omit<Extract<PreprocessSpec, { arithmetic: unknown }>, 'size'>;

type Channels = ArithmeticStep['by'];

const common = {
  fit: 'cover',
  reduce: 'division',
  filter: 'bicubic',
  channelOrder: 'rgb',
} as const;

/**
 * The modes of Keras' `preprocess_input` (keras/src/applications/imagenet_utils.py), and those of
 * the networks that have none: bit for bit what Keras computes.
 */
export const preprocessModes = {
  tf: { ...common, arithmetic: [divide(127.5), subtract(1)] },
  torch: { ...common, arithmetic: [divide(255), subtract(MEAN), divide(DEVIATION)] },
  /** Blue, green, red. */
  caffe: { ...common, channelOrder: 'bgr', arithmetic: [subtract([103.939, 116.779, 123.68])] },
  /** Inside the network in Keras: see `scaleImage` in efficientnet.ts. */
  efficientnet: {
    ...common,
    arithmetic: [
      multiply(1 / 255),
      subtract(MEAN),
      divide(eachOf(DEVIATION, (deviation) => Math.sqrt(Math.fround(deviation)))),
      multiply(eachOf(DEVIATION, (deviation) => 1 / Math.sqrt(deviation))),
    ],
  },
  lite: { ...common, arithmetic: [subtract(127), divide(128)] },
} as const satisfies Record<string, PreprocessMode>;

function multiply(by: number | Channels): ArithmeticStep {
  return { operation: 'multiply', by: channels(by) };
}

function divide(by: number | Channels): ArithmeticStep {
  return { operation: 'divide', by: channels(by) };
}

function subtract(by: number | Channels): ArithmeticStep {
  return { operation: 'subtract', by: channels(by) };
}

function channels(by: number | Channels): Channels {
  return typeof by === 'number' ? [by, by, by] : by;
}

function eachOf([red, green, blue]: Channels, map: (value: number) => number): Channels {
  return [map(red), map(green), map(blue)];
}
