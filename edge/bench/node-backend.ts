import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { CallRecorder } from 'shared/cnn/call-recorder';
import { kernelsInHeap } from 'shared/cnn/cnn-kernels';
import { cnnKernelsForNode } from 'shared/cnn/cnn-kernels-node';
import { registerCnnKernels } from 'shared/cnn/register-cnn-kernels';
import { createWasmModule } from 'shared/tfjs-wasm-node';

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
