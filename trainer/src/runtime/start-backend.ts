import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from './cache-directory.ts';
import { installNative } from './install-native.ts';
import { startNativeBackend } from './native-backend.ts';
import { nativeRecipe } from './native-recipe.ts';
import { startWasmBackend } from './wasm-backend.ts';

export type BackendName = 'native' | 'wasm' | 'cpu';

/** What tfjs computes on from now on. */
export interface Backend {
  readonly name: BackendName;
  /** One line for people. */
  readonly description: string;
}

/**
 * Makes tfjs compute on the chosen backend. `auto` is the native one, or WASM
 * with a line that says why and what it costs.
 *
 * @throws TrainerError `backend_unavailable`, and while the native backend is
 *   made, which `auto` survives: `download_failed`, `disk_full`; `interrupted`
 */
export async function startBackend(
  choice: 'auto' | BackendName,
  log: (line: string) => void,
): Promise<Backend> {
  switch (choice) {
    case 'native':
      return startNative(log);
    case 'wasm':
      return startWasm();
    case 'cpu':
      return startCpu();
    case 'auto':
      try {
        return await startNative(log);
      } catch (error) {
        if (!(error instanceof TrainerError) || error.code === 'interrupted') throw error;
        log(`No native backend: ${error.message}.`);
        // Lite0 at 224 px, 2 cores: 9.2 ms a picture native, 36 ms in WASM on one thread.
        log(
          'Going on with WASM: stage 1 takes about four times as long, and stage 2 is left out (WASM cannot train convolutions yet), so the model of stage 1 is what gets exported.',
        );
        return startWasm();
      }
  }
}

async function startNative(log: (line: string) => void): Promise<Backend> {
  const recipe = nativeRecipe();
  if (recipe === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `there is no TensorFlow library for ${process.platform} on ${process.arch}`,
    );
  }
  const folder = await installNative(recipe, { cache: cacheDirectory(), log });
  const version = await startNativeBackend(folder);
  return { name: 'native', description: `TensorFlow ${version}, native, on all cores` };
}

async function startWasm(): Promise<Backend> {
  await startWasmBackend();
  return { name: 'wasm', description: `tfjs-wasm ${tf.version['tfjs-core']}, one thread` };
}

async function startCpu(): Promise<Backend> {
  await tf.setBackend('cpu');
  await tf.ready();
  // At its first tensor, this backend prints an invitation to tfjs-node, unless PROD is set.
  tf.env().set('PROD', true);
  tf.scalar(0).dispose();
  tf.env().set('PROD', false);
  return { name: 'cpu', description: `tfjs ${tf.version['tfjs-core']}, plain JavaScript` };
}
