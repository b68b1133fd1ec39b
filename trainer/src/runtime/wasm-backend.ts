import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';

/**
 * Makes tfjs compute on WebAssembly, one thread.
 *
 * @throws TrainerError `backend_unavailable`
 */
export async function startWasmBackend(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const main = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm'));
  setWasmPaths(dirname(main) + sep);
  if (!(await tf.setBackend('wasm'))) {
    throw new TrainerError(
      'backend_unavailable',
      'The WASM backend of TensorFlow.js did not start.',
    );
  }
  await tf.ready();
}
