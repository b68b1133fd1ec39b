import { existsSync, readdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../../errors.ts';
import { project } from '../../files/project.ts';
import { registerWebgpuKernels } from './webgpu-kernels.ts';

/** The device that WebGPU computes on. */
export interface WebgpuDevice {
  /** The driver's name for it. */
  readonly name: string;
  /** Whether the CPU emulates a GPU, as SwiftShader and llvmpipe do. */
  readonly isSoftware: boolean;
}

let device: WebgpuDevice | undefined;

/**
 * Makes tfjs compute on a GPU through Dawn, Chromium's WebGPU: Vulkan on Linux, Metal
 * on macOS, Direct3D 12 on Windows. A second call does nothing.
 *
 * Values come back with `await tensor.data()` only: a GPU cannot be read synchronously.
 *
 * @throws TrainerError `backend_unavailable`
 */
export async function startWebgpuBackend(): Promise<WebgpuDevice> {
  device ??= await registerWebgpuBackend();
  if (!(await tf.setBackend('webgpu'))) {
    throw new TrainerError('backend_unavailable', 'Dawn loaded, but WebGPU did not start.');
  }
  await tf.ready();
  return device;
}

async function registerWebgpuBackend(): Promise<WebgpuDevice> {
  const [{ create, globals }, { WebGPUBackend }] = await importPackages();
  // tfjs expects both where a browser has them.
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new TrainerError(
      'backend_unavailable',
      'WebGPU found no GPU: on Linux, install its Vulkan driver and libvulkan1.',
    );
  }
  const { limits, info } = adapter;
  const device = await adapter.requestDevice({
    // Without these limits a device offers the guaranteed minimum only, and large batches do not fit.
    requiredLimits: Object.fromEntries(raisedLimits.map((name) => [name, limits[name]])),
  });
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, info));
  registerWebgpuKernels();
  return {
    name: info.description || info.device || info.vendor,
    isSoftware: softwareArchitectures.includes(info.architecture),
  };
}

const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

const softwareArchitectures = ['swiftshader', 'llvmpipe', 'warp'];

async function importPackages() {
  try {
    return await Promise.all([import('webgpu'), import('@tensorflow/tfjs-backend-webgpu')]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrainerError(
      'backend_unavailable',
      `WebGPU's packages could not be loaded (${reason}): run ${project.install} without leaving out optional packages.`,
      cause,
    );
  }
}

/**
 * Whether there may be a GPU. On Linux its device files tell, since Dawn prints errors on stderr
 * where there is none.
 */
export function mayHaveGpu(platform: string = process.platform): boolean {
  if (platform !== 'linux') return true;
  const renderers = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return (
    renderers.some((name) => name.startsWith('renderD')) ||
    existsSync('/dev/nvidiactl') ||
    existsSync('/dev/dxg')
  );
}
