import { existsSync, readdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../../errors.ts';
import { registerWebgpuKernels } from './webgpu-kernels.ts';

/** What computes behind WebGPU. */
export interface WebgpuDevice {
  /** As the driver calls it. */
  readonly name: string;
  /** Whether a processor imitates the graphics card, as SwiftShader and llvmpipe do. */
  readonly isSoftware: boolean;
}

let device: WebgpuDevice | undefined;

/**
 * Makes tfjs compute on a graphics card through Dawn, Chromium's WebGPU: Vulkan on Linux, Metal
 * on macOS, Direct3D 12 on Windows. Done twice, the second time does nothing.
 *
 * Values come back with `await tensor.data()` only: a card cannot be read synchronously.
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
  // tfjs looks for both where a browser has them.
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new TrainerError(
      'backend_unavailable',
      'WebGPU finds no graphics card; on Linux, its Vulkan driver and libvulkan1 have to be installed.',
    );
  }
  const { limits, info } = adapter;
  const device = await adapter.requestDevice({
    // Else a device offers what every one of them can do, and large batches do not fit.
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
      `WebGPU's packages do not load (${reason}); run pnpm install without --no-optional.`,
      cause,
    );
  }
}

/**
 * Whether it is worth asking for WebGPU: Dawn complains on stderr where Linux has no card, so
 * Linux is asked first.
 */
export function mayHaveGraphicsCard(platform: string = process.platform): boolean {
  if (platform !== 'linux') return true;
  const renderers = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return (
    renderers.some((name) => name.startsWith('renderD')) ||
    existsSync('/dev/nvidiactl') ||
    existsSync('/dev/dxg')
  );
}
