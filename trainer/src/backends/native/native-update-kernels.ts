import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';

/** Our addon's operations (update-operations.cc): their inputs in order, and the number of their outputs. */
const operations = {
  GraftAdamStep: { inputs: ['value', 'gradient', 'mean', 'square', 'numbers'], outputs: 3 },
  GraftMovingAverage: { inputs: ['average', 'value', 'numbers'], outputs: 1 },
} as const;

/** Registers the operations that the addon has: one that was built elsewhere has none. */
export function registerUpdateKernels(backend: NodeJSKernelBackend): void {
  for (const [kernelName, { inputs, outputs }] of Object.entries(operations)) {
    const run = (tensors: readonly tf.TensorInfo[]) =>
      backend.executeMultipleOutputs(kernelName, [], [...tensors], outputs);
    try {
      tf.tidy(() => run(inputs.map(() => tf.zeros([3]))));
    } catch {
      continue;
    }
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs: given }) => {
        const results = run(inputs.map((name) => given[name] as tf.TensorInfo));
        return outputs === 1 ? (results[0] as tf.Tensor) : results;
      },
    });
  }
}
