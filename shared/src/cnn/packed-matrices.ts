import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import type { CnnKernels, WasmHeap } from './cnn-kernels.ts';

/** `panels` of `packPanels`, or `int8 panels` of `packInt8Panels`. */
type Packing = 'panels' | 'int8 panels';

interface Packed {
  readonly at: number;
  readonly packing: Packing;
  readonly k: number;
  readonly n: number;
  /** Whether this is all there is of the tensor. */
  readonly isTensor: boolean;
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

  /** @returns where, and how, the tensor's values lie as a matrix of `k` rows and `n` columns */
  pack({ dataId }: TensorInfo, k: number, n: number): Pick<Packed, 'at' | 'packing'> {
    const known = this.#packed.get(dataId);
    if (known?.k === k && known.n === n) return known;
    this.expectUnpacked({ dataId });
    this.#forget(dataId);
    const at = this.#heap._malloc(this.#kernels.panelBytes(k, n));
    this.#kernels.packPanels(this.#backend.getMemoryOffset(dataId), k, n, at);
    const packed: Packed = { at, packing: 'panels', k, n, isTensor: false };
    this.#packed.set(dataId, packed);
    return packed;
  }

  /**
   * Makes a tensor that exists as a packed matrix only, which saves as much memory again.
   *
   * @param shape whose last dimension are the matrix's columns
   * @returns the tensor, whose values lie where {@link pack} says
   */
  makePacked(shape: number[], packing: Packing): TensorInfo {
    const n = shape.at(-1) as number;
    const k = shape.slice(0, -1).reduce((product, side) => product * side, 1);
    const { panelBytes, int8PanelBytes } = this.#kernels;
    const at = this.#heap._malloc((packing === 'panels' ? panelBytes : int8PanelBytes)(k, n));
    const tensor = this.#backend.makeOutput(shape, 'float32', at);
    this.#packed.set(tensor.dataId, { at, packing, k, n, isTensor: true });
    return tensor;
  }

  /** @throws Error for what {@link makePacked} has made: others than `pack` do not find its values */
  expectUnpacked({ dataId }: Pick<TensorInfo, 'dataId'>): void {
    if (this.#packed.get(dataId)?.isTensor) {
      throw new Error('Weights that were packed for a product are used for something else.');
    }
  }

  #forget(dataId: DataId): void {
    const packed = this.#packed.get(dataId);
    if (!packed) return;
    this.#packed.delete(dataId);
    // Else tfjs has freed them with the tensor.
    if (!packed.isTensor) this.#heap._free(packed.at);
  }
}
