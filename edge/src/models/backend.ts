import wasmSimd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { HealthResponse } from 'shared/contract/responses';
import { createServedBackend } from 'shared/inference/bundled/served-backend';
import { wasmKernels } from 'shared/inference/bundled/wasm-kernels';
import type { CallRecorder } from 'shared/inference/kernels/call-recorder';
import type { CnnKernels } from 'shared/inference/kernels/cnn-kernels';
import { SharedResults } from '../isolate/shared-results.ts';
import { createCpuBackend } from './tfjs/cpu-backend.ts';

for (const kernel of wasmKernels) tf.registerKernel(kernel);

export type BackendName = 'wasm' | 'cpu';

const started = new SharedResults<BackendName>();

/**
 * Starts tfjs on its WASM backend, once per isolate. Where that fails, the plain CPU backend
 * serves, about 25 times slower; `GET /health` names the one in use.
 *
 * @param createBackend replaced in tests
 */
export function startBackend(
  createBackend: () => Promise<tf.KernelBackend> = createWasmBackend,
): Promise<BackendName> {
  return started.get('', () => start(createBackend));
}

async function start(createBackend: () => Promise<tf.KernelBackend>): Promise<BackendName> {
  tf.enableProdMode();
  tf.registerBackend('wasm', createBackend);
  tf.registerBackend('cpu', createCpuBackend);
  if (await tf.setBackend('wasm')) return 'wasm';
  await tf.setBackend('cpu');
  return 'cpu';
}

/** Records calls to the WASM backend; undefined where that has not started. */
let recorder: CallRecorder | undefined;
/** Our kernels; undefined where tfjs' own compute. */
let cnnKernels: CnnKernels | undefined;

export function callRecorder(): CallRecorder | undefined {
  return recorder;
}

/** The arithmetic of models whose card says `int8`, and the reason for it, once the backend has started. */
export function int8Arithmetic(): Pick<HealthResponse, 'arithmetic' | 'reason'> {
  if (!cnnKernels) {
    const reason = 'The 8-bit kernels need relaxed SIMD, which is missing here.';
    return { arithmetic: 'float32', reason };
  }
  // On some processors without it, int8 is slower than float32. Nothing tells these from the others:
  // see docs/arithmetic.md.
  const reason = cnnKernels.hasDotProduct({})
    ? 'The processor has a dot product of 8-bit integers.'
    : 'V8 has no dot product of 8-bit integers here; without it too, most processors compute int8 faster than float32.';
  return { arithmetic: 'int8', reason };
}

/**
 * @param importKernels replaced in tests; where it fails, as it does without relaxed SIMD, tfjs' own
 *   kernels compute
 */
export async function createWasmBackend(
  importKernels: () => Promise<{ default: WebAssembly.Module }> = () =>
    import('shared/inference/kernels/cnn-kernels.wasm'),
): Promise<tf.KernelBackend> {
  const kernels = importKernels().then(
    (imported) => imported.default,
    () => undefined,
  );
  const served = await createServedBackend(wasmSimd, kernels);
  ({ recorder, cnnKernels } = served);
  return served.backend;
}
