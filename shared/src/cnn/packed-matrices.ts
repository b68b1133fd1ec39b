import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import type { CnnKernels, WasmHeap } from './cnn-kernels.ts';

interface Packed {
  readonly at: number;
  readonly k: number;
  readonly n: number;
}

/**
 * The right factors of matrix products, packed the first time that they are asked for. A tensor's
 * values never change (a variable that is assigned to becomes another tensor), so a packed matrix
 * lives as long as its tensor's data.
 */
export class PackedMatrices {
  readonly #backend: BackendWasm;
  readonly #heap: WasmHeap;
  readonly #kernels: CnnKernels;
  readonly #packed = new Map<DataId, Packed>();

  constructor(backend: BackendWasm, heap: WasmHeap, kernels: CnnKernels) {
    this.#backend = backend;
    this.#heap = heap;
    this.#kernels = kernels;
    // tfjs tells nobody when a tensor's data goes.
    const disposeData = backend.disposeData.bind(backend);
    backend.disposeData = (dataId, force) => {
      const isGone = disposeData(dataId, force);
      if (isGone) this.#forget(dataId);
      return isGone;
    };
  }

  /** @returns the address of the tensor's values as a matrix of `k` rows and `n` columns */
  pack({ dataId }: TensorInfo, k: number, n: number): number {
    const known = this.#packed.get(dataId);
    if (known?.k === k && known.n === n) return known.at;
    this.#forget(dataId);
    const at = this.#heap._malloc(Math.ceil(n / 8) * k * 32);
    this.#kernels.packPanels(this.#backend.getMemoryOffset(dataId), k, n, at);
    this.#packed.set(dataId, { at, k, n });
    return at;
  }

  #forget(dataId: DataId): void {
    const packed = this.#packed.get(dataId);
    if (!packed) return;
    this.#packed.delete(dataId);
    this.#heap._free(packed.at);
  }
}
