import { BackendWasm } from '@tensorflow/tfjs-backend-wasm/dist/backend_wasm.js';
import createWasmModule from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import wasmSimd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { HealthResponse } from 'shared/contract/responses';
import { completeWasmModule } from 'shared/inference/complete-wasm-module';
import { CallRecorder } from 'shared/inference/kernels/call-recorder';
import type { CnnKernels } from 'shared/inference/kernels/cnn-kernels';
import { registerCnnKernels } from 'shared/inference/kernels/register-cnn-kernels';
import { oncePerIsolate } from '../isolate/once-per-isolate.ts';
import { createCpuBackend } from './tfjs/cpu-backend.ts';
import { wasmKernels } from './tfjs/wasm-kernels.ts';

for (const kernel of wasmKernels) tf.registerKernel(kernel);

export type BackendName = 'wasm' | 'cpu';

/**
 * Starts tfjs on its WASM backend, once an isolate. Where that fails, the plain CPU backend
 * serves, some 25 times slower; `GET /health` says which one it is.
 *
 * @param createBackend replaced in tests
 */
export function startBackend(
  createBackend: () => Promise<tf.KernelBackend> = createWasmBackend,
): Promise<BackendName> {
  return oncePerIsolate('backend', () => start(createBackend));
}

async function start(createBackend: () => Promise<tf.KernelBackend>): Promise<BackendName> {
  tf.enableProdMode();
  tf.registerBackend('wasm', createBackend);
  tf.registerBackend('cpu', createCpuBackend);
  if (await tf.setBackend('wasm')) return 'wasm';
  await tf.setBackend('cpu');
  return 'cpu';
}

/** Of the WASM backend, where that has started. */
let recorder: CallRecorder | undefined;
/** Ours, where they compute. */
let cnnKernels: CnnKernels | undefined;

export function callRecorder(): CallRecorder | undefined {
  return recorder;
}

/** What models are computed in whose card says `int8`, once the backend has started, and why. */
export function int8Arithmetic(): Pick<HealthResponse, 'arithmetic' | 'reason'> {
  if (!cnnKernels) {
    const reason = 'There is no relaxed SIMD here, which the kernels of 8 bits need.';
    return { arithmetic: 'float32', reason };
  }
  // The slower one on some processors without it, which nothing tells from others: see docs/arithmetic.md.
  const reason = cnnKernels.hasDotProduct()
    ? 'The processor has a dot product of 8-bit integers.'
    : 'V8 has no dot product of 8-bit integers here; most processors compute them faster than float32 without it too.';
  return { arithmetic: 'int8', reason };
}

/**
 * tfjs has no way to take a compiled module (tensorflow/tfjs#8157), but its Emscripten factory
 * does.
 *
 * @param importKernels replaced in tests; where it fails, as without relaxed SIMD, tfjs' own kernels
 *   serve
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
    registerCnnKernels(backend, (imports) => {
      const instance = new WebAssembly.Instance(
        kernels.default,
        imports as unknown as WebAssembly.Imports,
      );
      cnnKernels = instance.exports as unknown as CnnKernels;
      return calls.watchAll(instance.exports);
    });
  }
  recorder = calls;
  return backend;
}
