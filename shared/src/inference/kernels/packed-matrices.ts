import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { mallocLines } from './arena.ts';
import type { CnnKernels, Product, WasmHeap } from './cnn-kernels.ts';

interface Packed {
  readonly at: number;
  /** Of the memory that it lies in. */
  readonly block: number;
  /** The kernel that it is packed for. */
  readonly product: Product;
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
  readonly #taps = new Map<DataId, Pick<Packed, 'at' | 'block'>>();

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
  pack({ dataId }: TensorInfo, k: number, n: number): Pick<Packed, 'at' | 'product'> {
    const known = this.#packed.get(dataId);
    if (known?.k === k && known.n === n) return known;
    this.expectUnpacked({ dataId });
    this.#forget(dataId);
    const packed = { ...this.#reserve('multiply', k, n), isTensor: false };
    this.#kernels.packPanels({ from: this.#backend.getMemoryOffset(dataId), k, n, to: packed.at });
    this.#packed.set(dataId, packed);
    return packed;
  }

  /** @returns where a depthwise filter's values lie as the kernel `packTaps` leaves them */
  packTaps({ dataId, shape }: TensorInfo): number {
    const known = this.#taps.get(dataId);
    if (known) return known.at;
    const [filterHeight = 0, filterWidth = 0, channels = 0] = shape;
    const size = { filterHeight, filterWidth, channels };
    const taps = mallocLines(this.#heap._malloc, this.#kernels.tapBytes(size));
    const filter = this.#backend.getMemoryOffset(dataId);
    this.#kernels.packTaps({ ...size, filter, to: taps.at });
    this.#taps.set(dataId, taps);
    return taps.at;
  }

  /**
   * Makes a tensor that exists as a packed matrix only, which saves as much memory again.
   *
   * @param shape whose last dimension are the matrix's columns
   * @returns the tensor, and where its values belong, packed for the product
   */
  makePacked(shape: number[], product: Product): { tensor: TensorInfo; at: number } {
    const n = shape.at(-1) as number;
    const k = shape.slice(0, -1).reduce((product, side) => product * side, 1);
    const packed = this.#reserve(product, k, n);
    const tensor = this.#backend.makeOutput(shape, 'float32', packed.block);
    this.#packed.set(tensor.dataId, { ...packed, isTensor: true });
    return { tensor, at: packed.at };
  }

  #reserve(product: Product, k: number, n: number): Omit<Packed, 'isTensor'> {
    const { panelBytes, int8PanelBytes } = this.#kernels;
    const bytes = (product === 'multiply' ? panelBytes : int8PanelBytes)({ k, n });
    return { ...mallocLines(this.#heap._malloc, bytes), product, k, n };
  }

  /** @throws Error for what {@link makePacked} has made: others than `pack` do not find its values */
  expectUnpacked({ dataId }: Pick<TensorInfo, 'dataId'>): void {
    if (this.#packed.get(dataId)?.isTensor) {
      throw new Error('Weights that were packed for a product are used for something else.');
    }
  }

  #forget(dataId: DataId): void {
    const taps = this.#taps.get(dataId);
    if (taps) this.#heap._free(taps.block);
    this.#taps.delete(dataId);
    const packed = this.#packed.get(dataId);
    if (!packed) return;
    this.#packed.delete(dataId);
    // Else tfjs has freed them with the tensor.
    if (!packed.isTensor) this.#heap._free(packed.block);
  }
}
