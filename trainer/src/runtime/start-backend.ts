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

// Lite0 forward at 128 px on 2 cores: 2–4 ms a picture native, 14–18 ms in WASM.
const wasmInstead =
  'Going on with WASM: stage 1 takes about five times as long, and stage 2 is left out because tfjs-wasm cannot train convolutions, so the model of stage 1 is exported.';

interface StartOptions {
  /** Stops the making of the native backend; `startBackend` then fails with its reason. */
  readonly signal?: AbortSignal;
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
  { signal }: StartOptions = {},
): Promise<Backend> {
  switch (choice) {
    case 'native':
      return startNative(log, signal);
    case 'wasm':
      return startWasm();
    case 'cpu':
      return startCpu();
    case 'auto':
      try {
        return await startNative(log, signal);
      } catch (error) {
        if (!(error instanceof TrainerError) || error.code === 'interrupted') throw error;
        log(`${error.message} ${wasmInstead}`);
        return startWasm();
      }
  }
}

async function startNative(
  log: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<Backend> {
  const folder = await installNative(nativeRecipe(), { cache: cacheDirectory(), log, signal });
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
