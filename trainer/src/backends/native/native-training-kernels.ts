import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { KernelCall } from './replace-kernel.ts';

/** Of a convolution; each operation reads those that it needs. */
interface Attributes {
  readonly activation: 'linear' | 'relu' | 'relu6';
  readonly strides: [number, number];
  readonly pad: 'same' | 'valid';
  /** Otherwise the gradient of the input is an empty tensor. */
  readonly needsInputGradient: boolean;
}

/** One of our addon's operations, which becomes a kernel of the same name. */
interface Operation {
  /** Its inputs, in order, with shapes to try it with. */
  readonly inputs: Readonly<Record<string, number[]>>;
  readonly outputs: number;
  /** What its attribute `numbers` has after the number of threads, see its C++ source. Absent: nothing. */
  numbers?(call: KernelCall): number[];
}

const convolution = { x: [1, 2, 2, 1], filter: [1, 1, 1, 1], scale: [1] };
const gradients = { ...convolution, y: [1, 2, 2, 1], dy: [1, 2, 2, 1] };

/** Those of update-operations.cc and of convolution-operations.cc. */
const operations: Readonly<Record<string, Operation>> = {
  GraftAdamStep: {
    inputs: { value: [3], gradient: [3], mean: [3], square: [3], numbers: [3] },
    outputs: 3,
  },
  GraftMovingAverage: { inputs: { average: [3], value: [3], numbers: [1] }, outputs: 1 },
  GraftPointwise: {
    inputs: { ...convolution, bias: [1] },
    outputs: 1,
    numbers: ({ attrs }) => [activationNumber(attrs)],
  },
  GraftPointwiseGradients: { inputs: gradients, outputs: 2, numbers: gradientNumbers },
  GraftDepthwiseGradients: {
    inputs: gradients,
    outputs: 2,
    numbers(call) {
      const { x, filter } = call.inputs as { x: tf.Tensor4D; filter: tf.Tensor4D };
      const { strides, pad } = call.attrs as unknown as Attributes;
      const { padInfo } = tf.backend_util.computeConv2DInfo(
        x.shape,
        filter.shape,
        strides,
        1,
        pad,
        undefined,
        true,
      );
      return [...gradientNumbers(call), ...strides, padInfo.top, padInfo.left];
    },
  },
};

function gradientNumbers({ attrs }: KernelCall): number[] {
  const { needsInputGradient } = attrs as unknown as Attributes;
  return [activationNumber(attrs), needsInputGradient ? 1 : 0];
}

function activationNumber(attrs: KernelCall['attrs']): number {
  const { activation } = attrs as unknown as Attributes;
  return ['linear', 'relu', 'relu6'].indexOf(activation);
}

/** Registers the operations that the addon has: one that was built elsewhere has none. */
export function registerTrainingKernels(backend: NodeJSKernelBackend, threads: number): void {
  for (const [kernelName, { inputs, outputs, numbers }] of Object.entries(operations)) {
    const kernelFunc: tf.KernelConfig['kernelFunc'] = (call) => {
      const tensors = Object.keys(inputs).map((name) => call.inputs[name] as tf.TensorInfo);
      const value = [threads, ...(numbers?.(call) ?? [])];
      const attributes = [{ name: 'numbers', type: backend.binding.TF_ATTR_INT, value }];
      const results = backend.executeMultipleOutputs(kernelName, attributes, tensors, outputs);
      return outputs === 1 ? (results[0] as tf.Tensor) : results;
    };
    const attrs = { activation: 'linear', needsInputGradient: true, strides: [1, 1], pad: 'same' };
    try {
      tf.tidy(() => {
        const zeros = Object.entries(inputs).map(([name, shape]) => [name, tf.zeros(shape)]);
        kernelFunc({ inputs: Object.fromEntries(zeros), attrs, backend });
      });
    } catch {
      continue;
    }
    tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });
  }
}
