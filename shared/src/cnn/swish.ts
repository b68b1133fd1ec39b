import * as tf from '@tensorflow/tfjs-core';

/**
 * The kernel `Swish`, `x · sigmoid(x)`, which tfjs does not have: by two of its own, until
 * `registerCnnKernels` puts one of ours in its place.
 */
export function swishConfig(backendName: string): tf.KernelConfig {
  return {
    kernelName: 'Swish',
    backendName,
    kernelFunc({ inputs: { x }, backend }) {
      const run = (kernelName: string, inputs: tf.NamedTensorInfoMap) =>
        tf.getKernel(kernelName, backendName).kernelFunc({ inputs, backend }) as tf.TensorInfo;
      const gate = run('Sigmoid', { x });
      const product = run('Multiply', { a: x, b: gate });
      (backend as tf.KernelBackend).disposeData(gate.dataId);
      return product;
    },
  };
}
