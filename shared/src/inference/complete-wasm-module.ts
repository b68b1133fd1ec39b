import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { WasmHeap } from './kernels/cnn-kernels.ts';

/** What tfjs-wasm's module has beyond its types. */
interface EmscriptenModule extends Pick<WasmHeap, '_free'> {
  cwrap(name: string, returns: 'number' | null, takes: readonly 'number'[]): () => never;
  _malloc(bytes: number): number;
}

/**
 * Adds to tfjs-wasm's module what its backend needs of it, as `init()` in backend_wasm.ts does.
 *
 * Then `_malloc` throws where the memory is full. tfjs takes the 0 that it returns for an address,
 * and writes over what lies there. Addresses beyond 2 GiB, too, it returns as they should be.
 *
 * @param wasm just made
 */
export function completeWasmModule(wasm: BackendWasm['wasm']): void {
  const module = wasm as unknown as EmscriptenModule;
  wasm.tfjs = {
    init: module.cwrap('init', null, []),
    initWithThreadsCount: module.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: module.cwrap('get_threads_count', 'number', []),
    registerTensor: module.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: module.cwrap('dispose_data', null, ['number']),
    dispose: module.cwrap('dispose', null, []),
  };
  // Emscripten puts the functions of the module in place at their first call.
  module._free(module._malloc(1));
  const { _malloc } = module;
  module._malloc = (bytes) => {
    const address = _malloc(bytes) >>> 0;
    if (address !== 0 || bytes === 0) return address;
    const megabytes = Math.ceil(bytes / 2 ** 20);
    throw new Error(
      `WebAssembly's memory has no ${megabytes} MB left; take smaller batches or images.`,
    );
  };
}
