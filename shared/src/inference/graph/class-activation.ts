import { columnOf, rowsTimes, type StoredWeight } from '../fold-constants.ts';

/** How much each part of an image adds to a label, row by row. */
export interface ActivationMap {
  readonly rows: number;
  readonly columns: number;
  /** Their mean, and a constant, is the label's logit; with a hidden layer of another activation than ReLU, nearly. */
  readonly values: Float32Array;
}

/** A head of pooling or flattening, and of dense layers. */
export interface Head {
  /** From the last to the first. */
  readonly layers: readonly DenseLayer[];
  readonly features: Features;
}

interface DenseLayer {
  /** `[inputs, outputs]` */
  readonly kernel: StoredWeight;
  /** Of the hidden layer that it reads. */
  readonly activation?: Activation | undefined;
}

interface Activation {
  /** Whose output it is, `[n, width]`. */
  readonly node: string;
  /** The gradient, by the output. */
  slope(output: number): number;
}

/** The last features of an image that have places. */
interface Features {
  /** `[n, rows, columns, channels]` */
  readonly node: string;
  readonly channels: number;
  /** Whether the dense layers read them one after the other, or their mean. */
  readonly isFlat: boolean;
  /** Between them and the mean: of a linear convolution that keeps their size, `[height, width, channels, filters]`. */
  readonly convolution?: StoredWeight | undefined;
}

/** What a map is made of: the outputs of the hidden layers, the last one first, and the features. */
export function nodesOf({ layers, features }: Head): string[] {
  return [...layers.flatMap(({ activation }) => activation?.node ?? []), features.node];
}

/**
 * A class activation map: what the features of each place add to a label, the features times their gradients. Behind
 * average pooling and one dense layer, that is Zhou et al.'s map; through hidden layers, gradients are passed back.
 *
 * @param values of the head's nodes, of one square image, one after the other
 * @param label its index
 * @see Zhou et al. 2016, Learning deep features for discriminative localization
 * @see Draelos & Carin 2020, Use HiResCAM instead of Grad-CAM for faithful explanations, section 3.3
 */
export function activationMap(
  { layers, features }: Head,
  values: Float32Array,
  label: number,
): ActivationMap {
  const hiddenLengths = layers.map(({ kernel, activation }) =>
    activation ? (kernel.shape[0] as number) : 0,
  );
  const last = values.subarray(hiddenLengths.reduce((sum, length) => sum + length, 0));
  let gradients: Float32Array | undefined;
  let at = 0;
  for (const [i, { kernel, activation }] of layers.entries()) {
    const outputs = values.subarray(at, at + (hiddenLengths[i] as number));
    at += outputs.length;
    const factors = activation
      ? outputs.map(activation.slope)
      : features.isFlat && i === layers.length - 1
        ? last
        : undefined;
    gradients = gradients
      ? rowsTimes(kernel, gradients, factors)
      : times(columnOf(kernel, label), factors);
  }
  return sumPlaces(last, gradients ?? new Float32Array(), features);
}

function times(values: Float32Array<ArrayBuffer>, factors: Float32Array | undefined) {
  return factors ? values.map((value, i) => value * (factors[i] as number)) : values;
}

/** @param gradients of the mean, or, of what is flat, the features times their gradients */
function sumPlaces(
  features: Float32Array,
  gradients: Float32Array,
  { channels, isFlat, convolution }: Features,
): ActivationMap {
  const places = features.length / channels;
  const side = Math.sqrt(places);
  const kernel = convolution && rowsTimes(convolution, gradients);
  const values = new Float32Array(places);
  for (let place = 0; place < places; place++) {
    const own = features.subarray(place * channels, (place + 1) * channels);
    if (isFlat) {
      // What is said of a mean holds for a sum of so many parts.
      for (let i = 0; i < channels; i++) {
        values[place] =
          (values[place] as number) + places * (gradients[place * channels + i] as number);
      }
    } else {
      values[place] = dot(
        own,
        convolution && kernel ? reaching(place, side, convolution, kernel) : gradients,
      );
    }
  }
  return { rows: side, columns: side, values };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/**
 * How much a place's features add to the sum of a convolution's outputs: the sum of the kernel, but for the parts of
 * it that would have to stand outside the image.
 *
 * @param kernel `[height, width, channels]`, of all filters together
 */
function reaching(
  place: number,
  side: number,
  { shape: [height = 1, width = 1, channels = 1] }: StoredWeight,
  kernel: Float32Array,
): Float32Array {
  const rows = tapsAt(Math.floor(place / side), side, height);
  const columns = tapsAt(place % side, side, width);
  const sums = new Float32Array(channels);
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * width + column) * channels;
      for (let i = 0; i < channels; i++)
        sums[i] = (sums[i] as number) + (kernel[from + i] as number);
    }
  }
  return sums;
}

/** The taps of a kernel's one side with which a place is read by outputs of the image. */
function tapsAt(place: number, side: number, size: number): number[] {
  const before = Math.floor((size - 1) / 2);
  return Array.from({ length: size }, (_, tap) => tap).filter((tap) => {
    const output = place + before - tap;
    return output >= 0 && output < side;
  });
}
