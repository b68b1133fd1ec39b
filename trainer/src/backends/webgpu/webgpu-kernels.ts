import * as tf from '@tensorflow/tfjs';
import {
  type WebGPUBackend,
  type WebGPUProgram,
  webgpu_util,
} from '@tensorflow/tfjs-backend-webgpu';

/**
 * Registers the only kernels of training that tfjs-webgpu lacks: a ReLU's gradient in one pass
 * instead of five.
 */
export function registerWebgpuKernels(): void {
  for (const [kernelName, isOpen] of [
    ['ReluGrad', 'y > 0.0'],
    ['Relu6Grad', 'y > 0.0 && y < 6.0'],
  ] as const) {
    tf.registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, backend }) => {
        const { dy, y } = inputs as { dy: tf.Tensor; y: tf.Tensor };
        const program = gateProgram(kernelName, dy.shape, isOpen);
        return (backend as WebGPUBackend).runWebGPUProgram(program, [dy, y], 'float32');
      },
    });
  }
}

/** `dy` where the condition on `y` holds, else 0. */
function gateProgram(shaderKey: string, outputShape: number[], isOpen: string): WebGPUProgram {
  const workgroupSize: [number, number, number] = [128, 1, 1];
  const dispatchLayout = webgpu_util.flatDispatchLayout(outputShape);
  return {
    shaderKey,
    variableNames: ['dy', 'y'],
    outputShape,
    size: true,
    workgroupSize,
    dispatchLayout,
    dispatch: webgpu_util.computeDispatch(dispatchLayout, outputShape, workgroupSize),
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let y = getYByOutputIndex(index);
          setOutputAtIndex(index, select(0.0, getDyByOutputIndex(index), ${isOpen}));
        }
      }`,
  };
}
