import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { CallRecorder } from 'shared/inference/kernels/call-recorder';
import { kernelsInHeap } from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import { registerCnnKernels } from 'shared/inference/kernels/register-cnn-kernels';
import { createWasmModule } from 'shared/inference/tfjs-wasm-node';

/** tfjs' WASM backend with our kernels, as the Worker starts it. */
export async function startBackend(): Promise<CallRecorder> {
  const module = await createWasmModule();
  const recorder = new CallRecorder(module);
  const backend = new BackendWasm(module);
  recorder.watchMemory(backend);
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend);
  await tf.setBackend('wasm');
  const instantiate = cnnKernelsForNode();
  const kernels = kernelsInHeap(module, (imports) => recorder.watchAll(instantiate(imports)));
  registerCnnKernels(backend, kernels);
  return recorder;
}
