import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** A function of WebAssembly, and what it was called with. */
interface RecordedCall {
  readonly call: (...values: unknown[]) => unknown;
  readonly values: readonly unknown[];
}

/** What tfjs-wasm's module has beyond its types. */
interface WasmModule {
  cwrap: (...signature: unknown[]) => (...values: unknown[]) => unknown;
  _malloc(bytes: number): number;
  _free(address: number): void;
  tfjs: { disposeData(id: number): void };
}

/** Calls of WebAssembly that compute something, with the memory that they compute it in. */
export interface Recording {
  /** Computes it again, from what is in memory now. */
  replay(): void;
  /** Gives the memory back. */
  dispose(): void;
}

/**
 * Records which functions of WebAssembly a tfjs program calls, so that they can be called again without
 * tfjs: what CUDA calls graph capture. A program that has no branches calls the same functions with the
 * same arguments each time, if its tensors lie at the same addresses; tfjs takes a tenth of the time of a
 * small network to find them out again, and asks for memory for each tensor.
 */
export class CallRecorder {
  /** Nothing is recorded or replayed meanwhile, as when kernels are compared. */
  paused = false;
  #recording: OpenRecording | undefined;

  /**
   * @param wasm tfjs-wasm's module, its `tfjs` functions set, which no backend uses yet
   */
  constructor(wasm: BackendWasm['wasm']) {
    const module = wasm as unknown as WasmModule;
    // Emscripten puts the functions of the module in place at their first call.
    module._free(module._malloc(1));
    const { cwrap, _malloc, _free, tfjs } = module;
    const { disposeData } = tfjs;
    module.cwrap = (...signature) => this.watch(cwrap(...signature));
    module._malloc = (bytes) => this.#recording?.take(bytes) ?? _malloc(bytes);
    module._free = (address) => {
      if (!this.#recording?.keep(address)) _free(address);
    };
    tfjs.disposeData = (id) => {
      if (!this.#recording?.keepTensor(id)) disposeData(id);
    };
    this.#open = () => new OpenRecording(_malloc, _free, disposeData);
  }

  readonly #open: () => OpenRecording;

  /** @returns functions that do the same, and whose calls are recorded */
  watchAll<T extends object>(functions: T): T {
    const watched = Object.entries(functions).map(([name, call]) => [name, this.watch(call)]);
    return Object.fromEntries(watched) as T;
  }

  /** @returns a function that does the same, and whose calls are recorded */
  watch<F extends (...values: never[]) => unknown>(call: F): F {
    const watched = (...values: unknown[]): unknown => {
      this.#recording?.calls.push({ call: call as unknown as RecordedCall['call'], values });
      return (call as unknown as RecordedCall['call'])(...values);
    };
    return watched as unknown as F;
  }

  /** Notices what a program does to the backend's memory without WebAssembly. */
  watchMemory(backend: BackendWasm): void {
    const { typedArrayFromHeap, readSync, move } = backend;
    const spoil = (): void => {
      if (this.#recording) this.#recording.isWhole = false;
    };
    backend.typedArrayFromHeap = (tensor) => {
      spoil();
      return typedArrayFromHeap.call(backend, tensor);
    };
    backend.readSync = (...range) => {
      spoil();
      return readSync.apply(backend, range);
    };
    backend.move = (...tensor) => {
      if (tensor[1]) spoil();
      move.apply(backend, tensor);
    };
  }

  /**
   * @param run whose tensors exist before it or are disposed by it
   * @returns nothing if it did something else than to call WebAssembly
   */
  record(run: () => void): Recording | undefined {
    const recording = this.#open();
    this.#recording = recording;
    try {
      run();
    } finally {
      this.#recording = undefined;
    }
    if (recording.isWhole) return recording;
    recording.dispose();
    return;
  }
}

class OpenRecording implements Recording {
  readonly calls: RecordedCall[] = [];
  isWhole = true;
  readonly #malloc: (bytes: number) => number;
  readonly #freeBlock: (address: number) => void;
  readonly #disposeTensor: (id: number) => void;
  /** Bytes by address, of all that were asked for. */
  readonly #blocks = new Map<number, number>();
  /** Addresses of those that are not in use. */
  readonly #unused = new Set<number>();
  readonly #tensors: number[] = [];

  constructor(
    malloc: (bytes: number) => number,
    freeBlock: (address: number) => void,
    disposeTensor: (id: number) => void,
  ) {
    this.#malloc = malloc;
    this.#freeBlock = freeBlock;
    this.#disposeTensor = disposeTensor;
  }

  /** @returns the smallest unused block that is large enough, or else a new one */
  take(bytes: number): number {
    let best: number | undefined;
    let bestSize = Infinity;
    for (const address of this.#unused) {
      const size = this.#blocks.get(address) as number;
      if (size >= bytes && size < bestSize) [best, bestSize] = [address, size];
    }
    if (best === undefined) {
      best = this.#malloc(bytes);
      this.#blocks.set(best, bytes);
    }
    this.#unused.delete(best);
    return best;
  }

  /** @returns whether the block is of this recording, which holds it for what follows */
  keep(address: number): boolean {
    const isOurs = this.#blocks.has(address);
    if (isOurs) this.#unused.add(address);
    return isOurs;
  }

  /** tfjs-wasm's own kernels know a tensor by its number, and still need it when they are replayed. */
  keepTensor(id: number): boolean {
    this.#tensors.push(id);
    return true;
  }

  replay(): void {
    for (const { call, values } of this.calls) call(...values);
  }

  dispose(): void {
    for (const address of this.#unused) this.#freeBlock(address);
    for (const id of this.#tensors) this.#disposeTensor(id);
  }
}
