import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { completeWasmModule } from 'shared/inference/complete-wasm-module';
import { kernelsInHeap } from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import { composedKernels } from 'shared/inference/kernels/composed-kernels';
import { registerCnnKernels } from 'shared/inference/kernels/register-cnn-kernels';
import type { WasmModule } from 'shared/inference/tfjs-wasm-node';
import { TrainerError } from '../../errors.ts';
import { moduleUrl } from '../../files/module-url.ts';
import { startThreadedKernels } from './threaded-kernels.ts';
import { registerWasmGradients } from './wasm-gradients.ts';

const require = createRequire(import.meta.url);

let isRegistered = false;
let threadsInUse = 1;

/**
 * Makes tfjs compute on WebAssembly with SIMD, and gives it the gradients that tfjs-wasm lacks.
 * A second call does nothing.
 *
 * @param threads for matrix products and convolutions, at least 1
 * @returns the threads in use
 * @throws TrainerError `backend_unavailable`
 */
export async function startWasmBackend(threads: number): Promise<number> {
  const { BackendWasm, setThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
  // Asking tfjs for it would start the package's own.
  if (!isRegistered) {
    isRegistered = true;
    // The package's own start gives Node a single thread (tensorflow/tfjs#3830).
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', async () => {
      const module = await instantiate(threads);
      // XNNPACK's threads would compete with ours for the cores.
      setThreadsCount(1);
      const backend = new BackendWasm(module);
      const cnnKernels =
        threads === 1
          ? kernelsInHeap(module, cnnKernelsForNode())
          : await startThreadedKernels(module, threads);
      for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
      registerCnnKernels(backend, cnnKernels);
      threadsInUse = threads;
      return backend;
    });
    registerWasmGradients();
  }
  if (!(await tf.setBackend('wasm'))) {
    throw new TrainerError(
      'backend_unavailable',
      'The WASM backend of TensorFlow.js did not start: choose another backend with --backend.',
    );
  }
  await tf.ready();
  return threadsInUse;
}

type WasmFactory = (options: { locateFile(file: string): string }) => Promise<WasmModule>;

/** The steps of `init()` in tfjs-wasm's backend_wasm.ts; its memory is shared if `threads` > 1. */
async function instantiate(threads: number): Promise<WasmModule> {
  const folder = '@tensorflow/tfjs-backend-wasm/wasm-out';
  const [script, binary] =
    threads > 1
      ? ['tfjs-backend-wasm-threaded-simd.js', 'tfjs-backend-wasm-threaded-simd.wasm']
      : ['tfjs-backend-wasm.js', 'tfjs-backend-wasm-simd.wasm'];
  const factory = require(`${folder}/${script}`) as WasmFactory;
  const module = await factory({
    locateFile: (file) =>
      file.endsWith('.worker.js')
        ? fileURLToPath(moduleUrl('wasm-thread', import.meta))
        : require.resolve(`${folder}/${binary}`),
  });
  completeWasmModule(module);
  return module;
}
