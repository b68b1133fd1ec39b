import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  depthwiseFilterGradient,
  openRelu,
  openRelu6,
  spread,
  transpose,
  unfold,
  type Window,
} from './wasm-loops.ts';

/**
 * Gives tfjs-wasm the kernels of a convolution's backward pass, which it lacks or implements
 * naively (tensorflow/tfjs#8474). Products and convolutions are the backend's; what remains are
 * copies and sums over the WASM memory in plain JavaScript.
 *
 * Layout is NHWC, dtype float32, dilation 1, one depthwise output a channel.
 */
export function registerWasmGradients(): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs, backend }) =>
        tf.tidy(() =>
          kernel(
            inputs as unknown as Inputs,
            attrs as unknown as Attributes,
            backend as BackendWasm,
          ),
        ),
    });
  }
}

interface Inputs {
  readonly x: tf.Tensor4D;
  readonly y: tf.Tensor;
  readonly dy: tf.Tensor4D;
  readonly filter: tf.Tensor4D;
}

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof tf.conv2d>[3];
  readonly dimRoundingMode: 'floor' | 'round' | 'ceil' | undefined;
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

type Shape4D = [number, number, number, number];
type Kernel = (inputs: Inputs, attributes: Attributes, backend: BackendWasm) => tf.Tensor;

const kernels: Readonly<Record<string, Kernel>> = {
  Conv2DBackpropFilter({ x, dy }, attributes, backend) {
    const window = windowOf(x.shape, attributes.filterShape, attributes, false);
    const [, , , channelsIn] = x.shape;
    const [, , , channelsOut] = dy.shape;
    const pixels = dy.size / channelsOut;
    const size = window.kernel[0] * window.kernel[1] * channelsIn;
    const isProduct = size === channelsIn && dy.size / channelsOut === x.size / channelsIn;
    const columns = isProduct
      ? x
      : loop(backend, [pixels, size], [x], (out, [from]) => unfold(from, out, x.shape, window));
    // A product's first factor is transposed here and its second one packed, which is the cheaper of
    // the two: so the narrow one goes first.
    const product = (a: tf.Tensor, wide: number, b: tf.Tensor, narrow: number) => {
      const turned = loop(backend, [wide, pixels], [a], (out, [from]) =>
        transpose(from, out, pixels, wide),
      );
      return tf.matMul(turned as tf.Tensor2D, b.reshape<tf.Tensor2D>([pixels, narrow]));
    };
    const gradient =
      size <= channelsOut
        ? product(columns, size, dy, channelsOut)
        : product(dy, channelsOut, columns, size).transpose();
    return gradient.reshape(attributes.filterShape);
  },

  Conv2DBackpropInput({ dy, filter }, attributes, backend) {
    const window = windowOf(attributes.inputShape, filter.shape, attributes, false);
    const { gradient, pad } = stretch(dy, attributes.inputShape, window, backend);
    // tfjs-wasm's transpose is slow even for a single pixel.
    const turned = window.kernel[0] * window.kernel[1] === 1 ? filter : filter.reverse([0, 1]);
    const flipped = turned.transpose<tf.Tensor4D>([0, 1, 3, 2]);
    return tf.conv2d(gradient, flipped, 1, pad);
  },

  DepthwiseConv2dNativeBackpropFilter({ x, dy }, attributes, backend) {
    const window = windowOf(x.shape, attributes.filterShape, attributes, true);
    return loop(backend, attributes.filterShape, [x, dy], (out, [from, gradient]) =>
      depthwiseFilterGradient(from, gradient, out, x.shape, dy.shape, window),
    );
  },

  DepthwiseConv2dNativeBackpropInput({ dy, filter }, attributes, backend) {
    const window = windowOf(attributes.inputShape, filter.shape, attributes, true);
    const { gradient, pad } = stretch(dy, attributes.inputShape, window, backend);
    return tf.depthwiseConv2d(gradient, filter.reverse([0, 1]), 1, pad);
  },

  ReluGrad: ({ dy, y }, _, backend) =>
    loop(backend, dy.shape, [dy, y], (out, [gradient, value]) => openRelu(gradient, value, out)),

  Relu6Grad: ({ dy, y }, _, backend) =>
    loop(backend, dy.shape, [dy, y], (out, [gradient, value]) => openRelu6(gradient, value, out)),
};

/**
 * Puts zeros between the gradients of a strided convolution, which make the input's gradient a
 * convolution of stride 1, and returns the padding of that convolution.
 */
function stretch(
  dy: tf.Tensor4D,
  [, height, width]: Shape4D,
  window: Window,
  backend: BackendWasm,
): { gradient: tf.Tensor4D; pad: tf.backend_util.ExplicitPadding } {
  const [batch, outHeight, outWidth, channels] = dy.shape;
  const [strideY, strideX] = window.strides;
  const stretched: Shape4D = [
    batch,
    (outHeight - 1) * strideY + 1,
    (outWidth - 1) * strideX + 1,
    channels,
  ];
  const gradient =
    strideY === 1 && strideX === 1
      ? dy
      : loop(backend, stretched, [dy], (out, [from]) =>
          spread(from, out, dy.shape, window.strides),
        );
  const sides = (axis: 0 | 1, inputLength: number): [number, number] => {
    const before = window.kernel[axis] - 1 - window.pad[axis];
    const after = inputLength + window.kernel[axis] - 1 - before - (stretched[axis + 1] as number);
    return [before, after];
  };
  return {
    gradient: gradient as tf.Tensor4D,
    pad: [[0, 0], sides(0, height), sides(1, width), [0, 0]],
  };
}

function windowOf(
  inputShape: Shape4D,
  filterShape: Shape4D,
  { strides, pad, dimRoundingMode }: Attributes,
  depthwise: boolean,
): Window {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  return {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    pad: [info.padInfo.top, info.padInfo.left],
    output: [info.outHeight, info.outWidth],
  };
}

/** A new tensor whose memory `fill` writes completely, since it is not initialized. */
function loop<const I extends readonly tf.Tensor[]>(
  backend: BackendWasm,
  shape: number[],
  inputs: I,
  fill: (out: Float32Array, inputs: { [K in keyof I]: Float32Array }) => void,
): tf.Tensor {
  const info = backend.makeOutput(shape, 'float32');
  const tensor = tf.engine().makeTensorFromTensorInfo(info);
  // Read only now, since the allocation may have moved the memory.
  const view = (of: tf.TensorInfo) => backend.typedArrayFromHeap(of) as Float32Array;
  fill(view(info), inputs.map(view) as { [K in keyof I]: Float32Array });
  return tensor;
}
