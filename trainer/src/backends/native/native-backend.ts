import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { TrainerError } from '../../errors.ts';
import { registerFusedConvolutions } from './native-fused-convolution.ts';
import { addonNames, type NativeKind } from './native-recipe.ts';
import { registerTrainingKernels } from './native-training-kernels.ts';

const tfjsName = 'tensorflow';

/** The library that this process has loaded: TensorFlow cannot be loaded twice. */
let loadedFolder: string | undefined;

export interface NativeOptions {
  readonly kind: NativeKind;
  /** The folder that `installNative` made, or the package's own. */
  readonly folder: string;
  /** CPU threads; TensorFlow reads the number once, when it is loaded. */
  readonly threads: number;
  /** Whether TensorFlow's errors are kept off stderr too; they still throw. */
  readonly isQuiet?: boolean;
}

/**
 * Makes tfjs compute with a TensorFlow library. A second call with the same library does nothing.
 *
 * These are the steps of the index.js of `@tensorflow/tfjs-node`, with another place for the addon
 * and without its file handlers and progress bars.
 *
 * @returns TensorFlow's version, and whether it computes on a GPU
 * @throws TrainerError `backend_unavailable`
 */
export async function startNativeBackend(
  options: NativeOptions,
): Promise<{ version: string; onGpu: boolean }> {
  const isFirst = loadedFolder === undefined;
  loadedFolder ??= await registerNativeBackend(options);
  if (loadedFolder !== options.folder) {
    throw new TrainerError(
      'backend_unavailable',
      `A process can load only one TensorFlow, and this one has loaded ${loadedFolder}: start another process for ${options.folder}.`,
    );
  }
  if (!(await tf.setBackend(tfjsName))) {
    throw new TrainerError('backend_unavailable', 'TensorFlow loaded, but did not start.');
  }
  await tf.ready();
  const { binding, isUsingGpuDevice } = nativeBackend();
  if (isFirst && !isUsingGpuDevice) {
    registerFusedConvolutions();
    registerTrainingKernels(nativeBackend(), options.threads);
  }
  return { version: binding.TF_Version, onGpu: isUsingGpuDevice };
}

async function registerNativeBackend({
  kind,
  folder,
  threads,
  isQuiet = false,
}: NativeOptions): Promise<string> {
  // TensorFlow reads this once. Below 2 it prints notes about the CPU.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= isQuiet ? '3' : '2';
  process.env['TF_NUM_INTRAOP_THREADS'] = `${threads}`;
  process.env['TF_NUM_INTEROP_THREADS'] = `${threads}`;
  // Without this, only the newest CPUs use oneDNN; the others get neither its speed nor dilated
  // depthwise convolutions.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  // Without this, it takes all of a GPU's memory, also from other programs that compute there.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // tfjs-node 4.22 calls these two, which Node 23 removed.
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  });

  const require = createRequire(import.meta.url);
  const quietStart = join(folder, addonNames.quietStart);
  if (existsSync(quietStart)) loadAddon(require, quietStart);
  const binding = loadAddon(require, join(folder, addonNames.tensorflow)) as TFJSBinding;
  const createBackend = await importPackage(kind);
  const { registerNativeKernels } = await import('./native-kernels.ts');
  registerNativeKernels(tfjsName);
  tf.registerBackend(tfjsName, () => createBackend(binding));
  return folder;
}

/** Registers the kernels of the package whose addon it is. */
async function importPackage(
  kind: NativeKind,
): Promise<(binding: TFJSBinding) => tf.KernelBackend> {
  if (kind === 'cuda') {
    await import('@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js');
    const gpu = await import('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js');
    return (binding) => new gpu.NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu');
  }
  await import('@tensorflow/tfjs-node/dist/register_all_kernels.js');
  const cpu = await import('@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js');
  return (binding) => new cpu.NodeJSKernelBackend(binding, '@tensorflow/tfjs-node');
}

/** Whether TensorFlow computes, on the CPU or on a GPU. */
export function isNativeBackend(): boolean {
  return tf.getBackend() === tfjsName;
}

/**
 * The running native backend, for TensorFlow operations that tfjs has no
 * function for: `nativeBackend().executeSingleOutput(name, attributes, inputs)`.
 * Wrap such calls in `tf.tidy`; outputs are ordinary tensors.
 *
 * @throws TrainerError `backend_unavailable` while another backend computes
 */
export function nativeBackend(): NodeJSKernelBackend {
  if (!isNativeBackend()) {
    throw new TrainerError(
      'backend_unavailable',
      `This needs the native backend, but tfjs computes on "${tf.getBackend()}": start it with --backend native.`,
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
      `The native backend at ${path} could not be loaded (${reason}): delete its folder, and it will be built again.`,
      cause,
    );
  }
}
