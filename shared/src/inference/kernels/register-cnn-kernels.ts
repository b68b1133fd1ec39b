import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { CnnKernels } from './cnn-kernels.ts';
import { registerDequantize } from './dequantize.ts';
import type { PackedMatrices } from './packed-matrices.ts';
import { Computing, type Kernel } from './replacing/computing.ts';
import { convolve, convolveDepthwise, convolveExpanded } from './replacing/convolutions.ts';
import { add, identity, mapEach, mean, multiplyChannels } from './replacing/elementwise.ts';
import { convolveInverted } from './replacing/inverted-residuals.ts';
import { multiplyMatrices } from './replacing/products.ts';

/** They run other kernels where ours do not cover them, which see to packed weights themselves. */
const COMPOSED = ['ExpandedDepthwise', 'InvertedResidual'];

/**
 * Puts faster kernels in the place of tfjs-wasm's for what convolutional networks are made of, for any
 * program that computes on this backend. What they do not cover (dilated convolutions, other fused
 * activations than ReLU and ReLU6, depthwise filters that are not 3 or 5 wide, most broadcasts), the
 * replaced kernels still compute.
 *
 * @param backend not yet in use, or in use by nothing else
 * @param kernels in the backend's heap
 */
export function registerCnnKernels(backend: BackendWasm, kernels: CnnKernels): void {
  const on = new Computing(backend, kernels);
  const faster: Readonly<Record<string, Kernel>> = {
    Add: add(on),
    Conv2D: convolve(on),
    FusedConv2D: convolve(on),
    DepthwiseConv2dNative: convolveDepthwise(on),
    FusedDepthwiseConv2D: convolveDepthwise(on),
    ExpandedDepthwise: convolveExpanded(on),
    InvertedResidual: convolveInverted(on),
    BatchMatMul: multiplyMatrices(on),
    _FusedMatMul: multiplyMatrices(on),
    Identity: identity(on),
    Mean: mean(on),
    Multiply: multiplyChannels(on),
    Sigmoid: mapEach(on, kernels.sigmoid),
    Swish: mapEach(on, kernels.swish),
  };
  registerDequantize(backend, on.heap, on.matrices, kernels);
  for (const [name, kernel] of Object.entries(faster)) replace(name, kernel, on.matrices);
}

function replace(kernelName: string, faster: Kernel, matrices: PackedMatrices): void {
  const original = tf.getKernel(kernelName, 'wasm');
  // A program may have registered but a part of tfjs-wasm's kernels.
  if (!original) return;
  const kernelFunc: tf.KernelConfig['kernelFunc'] = (call) => {
    const result = faster(call);
    if (result) return result;
    if (!COMPOSED.includes(kernelName)) {
      for (const input of Object.values(call.inputs)) if (input) matrices.expectUnpacked(input);
    }
    return original.kernelFunc(call);
  };
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...original, kernelFunc });
}
