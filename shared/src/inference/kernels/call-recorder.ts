import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { Arena, mallocLines } from './arena.ts';

type Call = (...values: unknown[]) => unknown;

/** What tfjs-wasm's module has beyond its types. */
interface WasmModule {
  cwrap(...signature: unknown[]): Call;
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

/** Takes part in what a program asks of the heap. */
interface Run {
  called(call: Call, values: readonly unknown[]): void;
  malloc(bytes: number): number;
  /** @returns whether the memory was this run's */
  free(address: number): boolean;
  disposeData(id: number): void;
  /** The program has touched memory without WebAssembly. */
  touched(address: number): void;
}

/**
 * Records which functions of WebAssembly a tfjs program calls, so that they can be called again without
 * tfjs: what CUDA calls graph capture. A program that has no branches calls the same functions with the
 * same arguments each time, if its tensors lie at the same addresses; tfjs takes a tenth of the time of a
 * small network to find them out again, and asks for memory for each tensor.
 */
export class CallRecorder {
  /** Nothing should be recorded or replayed meanwhile, as when kernels are compared. */
  paused = false;
  readonly #heap: Heap;
  #run: Run | undefined;

  /** @param wasm tfjs-wasm's module, completed, which no backend uses yet */
  constructor(wasm: BackendWasm['wasm']) {
    const module = wasm as unknown as WasmModule;
    const { cwrap, _malloc, _free, tfjs } = module;
    const { disposeData } = tfjs;
    this.#heap = { malloc: _malloc, free: _free, disposeData };
    module.cwrap = (...signature) => this.#watch(cwrap(...signature));
    module._malloc = (bytes) => (this.#run ?? this.#heap).malloc(bytes);
    module._free = (address) => {
      if (!this.#run?.free(address)) _free(address);
    };
    tfjs.disposeData = (id) => (this.#run ?? this.#heap).disposeData(id);
  }

  /** @returns functions that do the same, and whose calls are recorded */
  watchAll(functions: object): object {
    const watched = Object.entries(functions).map(([name, call]) => [name, this.#watch(call)]);
    return Object.fromEntries(watched);
  }

  /** Notices what a program does to the backend's memory without WebAssembly. */
  watchMemory(backend: BackendWasm): void {
    const { typedArrayFromHeap, readSync, move } = backend;
    backend.typedArrayFromHeap = (tensor) => {
      this.#run?.touched(backend.getMemoryOffset(tensor.dataId));
      return typedArrayFromHeap.call(backend, tensor);
    };
    backend.readSync = (...range) => {
      this.#run?.touched(backend.getMemoryOffset(range[0]));
      return readSync.apply(backend, range);
    };
    backend.move = (...tensor) => {
      move.apply(backend, tensor);
      if (tensor[1]) this.#run?.touched(backend.getMemoryOffset(tensor[0]));
    };
  }

  /**
   * @param program whose tensors exist before it or are disposed by it; it runs twice
   * @param input the address of what changes from replay to replay; whatever else exists before the
   *   program does not
   * @returns nothing if it did something else than to call WebAssembly
   */
  record(program: () => void, input: number): Recording | undefined {
    const rehearsal = new Rehearsal(this.#heap, input);
    this.#during(rehearsal, program);
    if (!rehearsal.isWhole) return;
    const recording = new OpenRecording(this.#heap, input, rehearsal.bytes);
    let isKept = false;
    try {
      this.#during(recording, program);
      isKept = recording.isWhole;
    } finally {
      if (!isKept) recording.dispose();
    }
    return isKept ? recording : undefined;
  }

  #watch(call: Call): Call {
    return (...values) => {
      this.#run?.called(call, values);
      return call(...values);
    };
  }

  #during(run: Run, program: () => void): void {
    this.#run = run;
    try {
      program();
    } finally {
      this.#run = undefined;
    }
  }
}

interface Heap {
  malloc(bytes: number): number;
  free(address: number): void;
  disposeData(id: number): void;
}

/** Finds out how much memory a program needs at once. */
class Rehearsal implements Run {
  isWhole = true;
  readonly #heap: Heap;
  readonly #input: number;
  readonly #arena = new Arena(0);
  /** Where in the arena what lies at an address of the heap would be. */
  readonly #places = new Map<number, number>();

  constructor(heap: Heap, input: number) {
    this.#heap = heap;
    this.#input = input;
  }

  get bytes(): number {
    return this.#arena.extent;
  }

  called(): void {}

  malloc(bytes: number): number {
    const address = this.#heap.malloc(bytes);
    this.#places.set(address, this.#arena.take(bytes) as number);
    return address;
  }

  free(address: number): boolean {
    const place = this.#places.get(address);
    if (place !== undefined) this.#arena.giveBack(place);
    this.#places.delete(address);
    return false;
  }

  disposeData(id: number): void {
    this.#heap.disposeData(id);
  }

  touched(address: number): void {
    if (address === this.#input || this.#places.has(address)) this.isWhole = false;
  }
}

class OpenRecording implements Run, Recording {
  isWhole = true;
  readonly #heap: Heap;
  readonly #input: number;
  readonly #calls: { readonly call: Call; readonly values: readonly unknown[] }[] = [];
  readonly #block: number;
  readonly #arena: Arena;
  readonly #tensors: number[] = [];

  constructor(heap: Heap, input: number, bytes: number) {
    this.#heap = heap;
    this.#input = input;
    const { at, block } = mallocLines(heap.malloc, bytes);
    this.#block = block;
    this.#arena = new Arena(at, bytes);
  }

  called(call: Call, values: readonly unknown[]): void {
    this.#calls.push({ call, values });
  }

  malloc(bytes: number): number {
    const address = this.#arena.take(bytes);
    if (address !== undefined) return address;
    // The rehearsal was another one.
    this.isWhole = false;
    return this.#heap.malloc(bytes);
  }

  free(address: number): boolean {
    return this.#arena.giveBack(address);
  }

  /** tfjs-wasm's own kernels know a tensor by its number, and still do when they are replayed. */
  disposeData(id: number): void {
    this.#tensors.push(id);
  }

  touched(address: number): void {
    if (address === this.#input || this.#arena.has(address)) this.isWhole = false;
  }

  replay(): void {
    for (const { call, values } of this.#calls) call(...values);
  }

  dispose(): void {
    this.#heap.free(this.#block);
    for (const id of this.#tensors) this.#heap.disposeData(id);
  }
}
