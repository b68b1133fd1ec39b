import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { TrainerError } from '../errors.ts';
import { addonNames } from './native-recipe.ts';

const tfjsName = 'tensorflow';

/**
 * Makes tfjs compute with the TensorFlow library in `folder`, which
 * `installNative` has made. Done twice, the second time does nothing.
 *
 * These are the steps of the index.js of `@tensorflow/tfjs-node`, with another
 * place for the addon and without its file handlers and progress bars.
 *
 * @returns the version of TensorFlow
 * @throws TrainerError `backend_unavailable`
 */
export async function startNativeBackend(folder: string): Promise<string> {
  if (tf.findBackendFactory(tfjsName) === null) await registerNativeBackend(folder);
  if (!(await tf.setBackend(tfjsName))) {
    throw new TrainerError('backend_unavailable', 'TensorFlow loaded, but did not start.');
  }
  await tf.ready();
  return nativeBackend().binding.TF_Version;
}

async function registerNativeBackend(folder: string): Promise<void> {
  // TensorFlow reads this once. Below 2 it prints notes about the processor.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // tfjs-node 4.22 calls these two, which Node 23 removed.
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  });

  const require = createRequire(import.meta.url);
  loadAddon(require, join(folder, addonNames.quietStart));
  const binding = loadAddon(require, join(folder, addonNames.tensorflow)) as TFJSBinding;
  const { NodeJSKernelBackend } = await import(
    '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js'
  );
  await import('@tensorflow/tfjs-node/dist/register_all_kernels.js');
  const { registerNativeKernels } = await import('./native-kernels.ts');
  registerNativeKernels(tfjsName);
  tf.registerBackend(tfjsName, () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'));
}

/**
 * The running native backend, for TensorFlow operations that tfjs has no
 * function for: `nativeBackend().executeSingleOutput(name, attributes, inputs)`.
 * Wrap such calls in `tf.tidy`; outputs are ordinary tensors.
 *
 * @throws TrainerError `backend_unavailable` while another backend computes
 */
export function nativeBackend(): NodeJSKernelBackend {
  if (tf.getBackend() !== tfjsName) {
    throw new TrainerError(
      'backend_unavailable',
      `This needs the native backend, but tfjs computes on "${tf.getBackend()}"; start it with --backend native.`,
    );
  }
  // tfjs keys backends by name, and this name is registered above only.
  return tf.backend() as NodeJSKernelBackend;
}

function loadAddon(require: NodeJS.Require, path: string): unknown {
  try {
    return require(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrainerError(
      'backend_unavailable',
      `The native backend at ${path} does not load (${reason}); delete its folder to have it made anew.`,
      cause,
    );
  }
}
