import * as tf from '@tensorflow/tfjs';
import {
  createTensorsTypeOpAttr,
  type NodeJSKernelBackend,
} from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';

/** Registers the kernels that TensorFlow has and tfjs-node does not offer. */
export function registerNativeKernels(backendName: string): void {
  for (const name of ['ReluGrad', 'Relu6Grad']) {
    tf.registerKernel({
      kernelName: name,
      backendName,
      kernelFunc: ({ inputs, backend }) => {
        const { dy, y } = inputs as { dy: tf.Tensor; y: tf.Tensor };
        const attributes = [createTensorsTypeOpAttr('T', 'float32')];
        return (backend as NodeJSKernelBackend).executeSingleOutput(name, attributes, [dy, y]);
      },
    });
  }
}
