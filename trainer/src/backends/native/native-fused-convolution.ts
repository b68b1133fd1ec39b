import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import { type KernelCall, replaceKernel } from './replace-kernel.ts';

interface Inputs {
  readonly x: tf.Tensor4D;
  readonly filter: tf.Tensor4D;
  readonly bias?: tf.Tensor1D;
}

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: unknown;
  readonly dilations: number | [number, number];
  readonly dataFormat: string;
  readonly dimRoundingMode?: string;
  readonly activation: string;
}

const kernels = [
  { kernelName: 'FusedConv2D', operation: '_MklNativeFusedConv2D' },
  { kernelName: 'FusedDepthwiseConv2D', operation: '_MklNativeFusedDepthwiseConv2dNative' },
] as const;

const fusedOperations: Readonly<Record<string, string>> = {
  linear: 'BiasAdd',
  relu: 'BiasAdd,Relu',
  relu6: 'BiasAdd,Relu6',
};

/**
 * Makes `tf.fused.conv2d` and `tf.fused.depthwiseConv2d` one operation each: tfjs-node adds the
 * bias and applies the activation in two more passes over the output. The operations are oneDNN's,
 * which TensorFlow has on x64 CPUs, and take lists as attributes, which only our own addon can
 * pass. Where their results differ from tfjs-node's, tfjs-node's operations stay.
 *
 * On the largest layer of Lite0 at 128 px, batch 32: 3.9 ms instead of 9.5.
 */
export function registerFusedConvolutions(): void {
  for (const { kernelName, operation } of kernels) {
    const depthwise = kernelName === 'FusedDepthwiseConv2D';
    replaceKernel(kernelName, isCovered, (call) => runFused(operation, call), {
      // An output with values below 0, between, and above 6.
      inputs: () => ({
        x: tf.linspace(-4, 8, 2 * 5 * 4 * 3).reshape([2, 5, 4, 3]),
        filter: tf.linspace(-1, 1, depthwise ? 27 : 81).reshape([3, 3, 3, depthwise ? 1 : 3]),
        bias: tf.tensor1d([1, -2, 3]),
      }),
      attrs: {
        strides: [2, 2],
        pad: 'same',
        dilations: [1, 1],
        dataFormat: 'NHWC',
        activation: 'relu6',
      },
    });
  }
}

function isCovered({ inputs, attrs }: KernelCall): boolean {
  const { bias } = inputs as unknown as Inputs;
  const { pad, dilations, dataFormat, dimRoundingMode, activation } =
    attrs as unknown as Attributes;
  return (
    bias !== undefined &&
    activation in fusedOperations &&
    (pad === 'same' || pad === 'valid') &&
    [dilations].flat().every((dilation) => dilation === 1) &&
    dataFormat === 'NHWC' &&
    dimRoundingMode === undefined
  );
}

function runFused(operation: string, { inputs, attrs, backend }: KernelCall): tf.Tensor {
  const { x, filter, bias } = inputs as unknown as Required<Inputs>;
  const { strides, pad, activation } = attrs as unknown as Attributes;
  const [down, right] = [strides, strides].flat() as [number, number];
  const native = backend as NodeJSKernelBackend;
  const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE, TF_FLOAT } = native.binding;
  const integers = (name: string, value: number | number[]) => ({ name, type: TF_ATTR_INT, value });
  const text = (name: string, value: string) => ({ name, type: TF_ATTR_STRING, value });
  const type = (name: string) => ({ name, type: TF_ATTR_TYPE, value: TF_FLOAT });
  const attributes = [
    type('T'),
    integers('strides', [1, down, right, 1]),
    integers('dilations', [1, 1, 1, 1]),
    text('padding', (pad as string).toUpperCase()),
    text('data_format', 'NHWC'),
    integers('num_args', 1),
    text('fused_ops', fusedOperations[activation] as string),
    // The label under which TensorFlow registers oneDNN's kernels.
    text('_kernel', 'MklNameChangeOp'),
    ...(operation === '_MklNativeFusedConv2D' ? [type('TArgs')] : []),
  ];
  return native.executeSingleOutput(operation, attributes, [x, filter, bias]);
}
