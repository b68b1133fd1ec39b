import { BackendWasm } from '@tensorflow/tfjs-backend-wasm/dist/backend_wasm.js';
import createWasmModule from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import wasmSimd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { HealthResponse } from 'shared/contract/responses';
import { completeWasmModule } from 'shared/inference/complete-wasm-module';
import { CallRecorder } from 'shared/inference/kernels/call-recorder';
import {
  type CnnKernels,
  kernelsInHeap,
  type WasmHeap,
} from 'shared/inference/kernels/cnn-kernels';
import { registerCnnKernels } from 'shared/inference/kernels/register-cnn-kernels';
import { SharedResults } from '../isolate/shared-results.ts';
import { createCpuBackend } from './tfjs/cpu-backend.ts';
import { wasmKernels } from './tfjs/wasm-kernels.ts';

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
 * tfjs has no way to take a compiled module (tensorflow/tfjs#8157), but its Emscripten factory
 * does.
 *
 * @param importKernels replaced in tests; where it fails, as it does without relaxed SIMD, tfjs' own
 *   kernels compute
 */
export async function createWasmBackend(
  importKernels: () => Promise<{ default: WebAssembly.Module }> = () =>
    import('shared/inference/kernels/cnn-kernels.wasm'),
): Promise<tf.KernelBackend> {
  const [module, kernels] = await Promise.all([
    createWasmModule({
      instantiateWasm(
        imports: WebAssembly.Imports,
        done: (instance: WebAssembly.Instance) => void,
      ) {
        const instance = new WebAssembly.Instance(wasmSimd, imports);
        done(instance);
        return instance.exports;
      },
    }),
    importKernels().catch(() => undefined),
  ]);
  completeWasmModule(module);
  const calls = new CallRecorder(module);
  const backend = new BackendWasm(module);
  calls.watchMemory(backend);
  if (kernels) {
    cnnKernels = kernelsInHeap(module as unknown as WasmHeap, (imports) => {
      const instance = new WebAssembly.Instance(
        kernels.default,
        imports as unknown as WebAssembly.Imports,
      );
      return calls.watchAll(instance.exports);
    });
    registerCnnKernels(backend, cnnKernels);
  }
  recorder = calls;
  return backend;
}
