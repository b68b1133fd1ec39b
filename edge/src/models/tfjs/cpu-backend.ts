import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu/dist/backend_cpu.js';
import { _fusedMatMulConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/_FusedMatMul.js';
import { addConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Add.js';
import { addNConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/AddN.js';
import { avgPoolConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/AvgPool.js';
import { castConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Cast.js';
import { concatConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Concat.js';
import { fusedConv2DConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/FusedConv2D.js';
import { fusedDepthwiseConv2DConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/FusedDepthwiseConv2D.js';
import { identityConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Identity.js';
import { LRNConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/LRN.js';
import { maxConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Max.js';
import { maxPoolConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/MaxPool.js';
import { meanConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Mean.js';
import { multiplyConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Multiply.js';
import { padV2Config } from '@tensorflow/tfjs-backend-cpu/dist/kernels/PadV2.js';
import { reluConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Relu.js';
import { relu6Config } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Relu6.js';
import { reshapeConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Reshape.js';
import { rsqrtConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Rsqrt.js';
import { sigmoidConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Sigmoid.js';
import { softmaxConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Softmax.js';
import { splitVConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/SplitV.js';
import { stridedSliceConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/StridedSlice.js';
import { tanhConfig } from '@tensorflow/tfjs-backend-cpu/dist/kernels/Tanh.js';
import { type KernelBackend, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import type { TfjsKernel } from 'shared/inference/graph/operations';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';

/** The kernels that `shared/inference/graph/operations` calls; the compiler finds a missing one. */
const called: Readonly<Record<TfjsKernel, KernelConfig>> = {
  _FusedMatMul: _fusedMatMulConfig,
  Add: addConfig,
  AddN: addNConfig,
  AvgPool: avgPoolConfig,
  Concat: concatConfig,
  FusedConv2D: fusedConv2DConfig,
  FusedDepthwiseConv2D: fusedDepthwiseConv2DConfig,
  Identity: identityConfig,
  LRN: LRNConfig,
  Max: maxConfig,
  MaxPool: maxPoolConfig,
  Mean: meanConfig,
  Multiply: multiplyConfig,
  PadV2: padV2Config,
  Relu: reluConfig,
  Relu6: relu6Config,
  Reshape: reshapeConfig,
  Rsqrt: rsqrtConfig,
  Sigmoid: sigmoidConfig,
  Softmax: softmaxConfig,
  SplitV: splitVConfig,
  StridedSlice: stridedSliceConfig,
  Tanh: tanhConfig,
};

/** All kernels that the Worker registers for this backend. */
const kernels: readonly KernelConfig[] = [
  ...Object.values(called),
  castConfig,
  ...composedKernels('cpu'),
];

/** The plain CPU backend of tfjs. */
export function createCpuBackend(): KernelBackend {
  for (const kernel of kernels) registerKernel(kernel);
  return new MathBackendCPU();
}
