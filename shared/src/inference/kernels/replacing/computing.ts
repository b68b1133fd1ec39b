import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type * as tf from '@tensorflow/tfjs-core';
import { mallocLines } from '../arena.ts';
import { type CnnKernels, type WasmHeap, WORK_BYTES } from '../cnn-kernels.ts';
import type { KernelCall } from '../kernel-call.ts';
import { PackedMatrices } from '../packed-matrices.ts';

/** Returns nothing for what it does not cover. */
export type Kernel = (call: KernelCall) => tf.TensorInfo | undefined;

/** Of the matrices that convolutions are turned into, at a time. */
export const PATCH_BYTES = 128 * 1024;
/** Enough for all but convolutions of which a few patches take more than PATCH_BYTES. */
export const SCRATCH_BYTES = WORK_BYTES + PATCH_BYTES;

/** What the kernels in the place of tfjs-wasm's compute with. */
export class Computing {
  readonly backend: BackendWasm;
  readonly heap: WasmHeap;
  readonly kernels: CnnKernels;
  readonly matrices: PackedMatrices;
  /** The same memory for every call, which keeps it in the cache. */
  readonly scratch: number;

  constructor(backend: BackendWasm, kernels: CnnKernels) {
    this.backend = backend;
    this.heap = backend.wasm as unknown as WasmHeap;
    this.kernels = kernels;
    this.matrices = new PackedMatrices(backend, this.heap, kernels);
    this.scratch = mallocLines(this.heap._malloc, SCRATCH_BYTES).at;
  }

  makeOutput(shape: number[]): tf.TensorInfo {
    return this.backend.makeOutput(shape, 'float32');
  }

  /** @returns 0 for no tensor */
  addressOf(tensor: tf.TensorInfo | undefined): number {
    return tensor ? this.backend.getMemoryOffset(tensor.dataId) : 0;
  }
}
