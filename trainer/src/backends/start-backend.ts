import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { graft } from '../files/project.ts';
import { measureSpeed } from './measure-speed.ts';
import { findInstalled, installNative } from './native/install-native.ts';
import { startNativeBackend } from './native/native-backend.ts';
import { cudaRecipe, nativeRecipe, prebuiltFolder } from './native/native-recipe.ts';
import { findNvidiaGpu } from './native/nvidia-gpu.ts';
import { startWasmBackend } from './wasm/wasm-backend.ts';
import { mayHaveGpu, startWebgpuBackend } from './webgpu/webgpu-backend.ts';

/** In general, from the fastest to the slowest. */
export const backendNames = ['cuda', 'native', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

/** The backend that tfjs computes on. */
export interface Backend {
  readonly name: BackendName;
  /** One line for the user. */
  readonly description: string;
}

export interface StartOptions {
  /** Aborting it stops the set-up of the native backend; `startBackend` then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** CPU threads; all cores by default. */
  readonly threads?: number | undefined;
  /** Whether to set up the native backend where it is missing; true by default. */
  readonly install?: boolean;
}

interface Start extends StartOptions {
  readonly threads: number;
  readonly install: boolean;
  readonly log: (line: string) => void;
}

let threadsAllowed = availableParallelism();

/** The threads that the last `startBackend` was given, for code that computes beside the backend. */
export function allowedThreads(): number {
  return threadsAllowed;
}

/**
 * Makes tfjs compute on the chosen backend. `auto` takes the fastest that works, and logs why a
 * faster one does not.
 *
 * @throws TrainerError `backend_unavailable`, `interrupted`; while the native backend is set up
 *   `download_failed` and `disk_full` too, after which `auto` falls back to another
 */
export async function startBackend(
  choice: 'auto' | BackendName,
  log: (line: string) => void,
  { threads = availableParallelism(), install = true, ...options }: StartOptions = {},
): Promise<Backend> {
  const start: Start = { ...options, threads, install, log };
  threadsAllowed = threads;
  return choice === 'auto' ? startFastest(start) : starters[choice](start);
}

const starters: Readonly<Record<BackendName, (start: Start) => Promise<Backend>>> = {
  cuda: startCuda,
  native: startNative,
  webgpu: () => startWebgpu(),
  wasm: startWasm,
  cpu: () => startCpu(),
};

async function startFastest(start: Start): Promise<Backend> {
  const { log } = start;
  const gpu = await findNvidiaGpu(start);
  if (gpu) {
    const cuda = await attempt(startCuda, start);
    if (cuda.backend) return cuda.backend;
    log(`The GPU (${gpu.name}) is not used: ${cuda.problem}`);
  }
  const webgpu = mayHaveGpu() ? await attempt(() => startWebgpu(), start) : undefined;
  // On a GPU that the CPU emulates, WebGPU is the slowest of all.
  const graphics = webgpu?.backend?.isSoftware ? undefined : webgpu?.backend;
  const graphicsSpeed = graphics && (await measureSpeed()).convolution;
  const native = await attempt(startNative, start);
  if (native.backend && graphicsSpeed !== undefined) {
    const nativeSpeed = (await measureSpeed()).convolution;
    if (nativeSpeed >= graphicsSpeed) return because(native.backend, nativeSpeed, graphicsSpeed);
    return because(await startWebgpu(), graphicsSpeed, nativeSpeed);
  }
  if (native.backend) return native.backend;
  if (graphics) {
    log(`${native.problem} Falling back to WebGPU.`);
    return graphics;
  }
  log(`${native.problem} Falling back to WASM (several times slower).`);
  return startWasm(start);
}

function because(backend: Backend, speed: number, other: number): Backend {
  const reason = `convolutions at ${Math.round(speed)} GFLOP/s against ${Math.round(other)} on ${backend.name === 'webgpu' ? 'the CPU' : 'the GPU'}`;
  return { ...backend, description: `${backend.description}: ${reason}` };
}

/** A backend that works, or one line on why it does not. */
async function attempt<B extends Backend>(
  starter: (start: Start) => Promise<B>,
  start: Start,
): Promise<{ readonly backend?: B; readonly problem?: string }> {
  try {
    return { backend: await starter(start) };
  } catch (error) {
    if (!(error instanceof TrainerError) || error.code === 'interrupted') throw error;
    return { problem: error.message };
  }
}

async function startCuda({ threads, signal }: Start): Promise<Backend> {
  const cache = cacheDirectory();
  const folder =
    (await findInstalled(cudaRecipe(true), cache)) ??
    (await findInstalled(cudaRecipe(false), cache));
  if (folder === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `CUDA is not set up: run ${graft('setup --cuda')} once.`,
    );
  }
  const gpu = await findNvidiaGpu({ signal });
  // Without a GPU, TensorFlow's own messages about it say less than the description does.
  const isQuiet = gpu === undefined;
  const { version, onGpu } = await startNativeBackend({ kind: 'cuda', folder, threads, isQuiet });
  return {
    name: 'cuda',
    description: onGpu
      ? `TensorFlow ${version} on ${gpu?.name ?? 'an NVIDIA GPU'}`
      : `TensorFlow ${version} for CUDA, but it finds no NVIDIA GPU and computes on ${cores(threads)}`,
  };
}

async function startNative({ threads, install, log, signal }: Start): Promise<Backend> {
  const cache = cacheDirectory();
  const recipe = nativeRecipe();
  let folder = (await findInstalled(recipe, cache)) ?? prebuiltFolder();
  if (folder === undefined && !install) {
    throw new TrainerError(
      'backend_unavailable',
      `TensorFlow is not set up: run ${graft('setup')} once.`,
    );
  }
  folder ??= await installNative(recipe, { cache, log, signal });
  const { version } = await startNativeBackend({ kind: 'native', folder, threads });
  return { name: 'native', description: `TensorFlow ${version} on ${cores(threads)}` };
}

async function startWebgpu(): Promise<Backend & { readonly isSoftware: boolean }> {
  const { name, isSoftware } = await startWebgpuBackend();
  const software = isSoftware ? ', a GPU that the CPU emulates' : '';
  return { name: 'webgpu', description: `WebGPU on ${name}${software}`, isSoftware };
}

async function startWasm({ threads }: Start): Promise<Backend> {
  const inUse = await startWasmBackend(threads);
  const version = tf.version['tfjs-core'];
  return { name: 'wasm', description: `WebAssembly, tfjs ${version}, on ${cores(inUse)}` };
}

async function startCpu(): Promise<Backend> {
  await tf.setBackend('cpu');
  await tf.ready();
  // At its first tensor, this backend prints an invitation to tfjs-node, unless PROD is set.
  tf.env().set('PROD', true);
  tf.scalar(0).dispose();
  tf.env().set('PROD', false);
  return { name: 'cpu', description: `plain JavaScript, tfjs ${tf.version['tfjs-core']}` };
}

function cores(threads: number): string {
  return threads === 1 ? 'one core' : `${threads} cores`;
}
