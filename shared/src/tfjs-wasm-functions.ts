/** Emscripten's `cwrap`, which tfjs-wasm's module has and its types leave out. */
export type Cwrap<Call> = (
  name: string,
  returns: 'number' | null,
  takes: readonly 'number'[],
) => Call;

/**
 * The functions that tfjs-wasm's backend expects as `module.tfjs`: what `init()` in its
 * backend_wasm.ts adds. Whoever starts the module in another way than `init()` has to add them.
 */
export function tfjsWasmFunctions<Call>(cwrap: Cwrap<Call>) {
  return {
    init: cwrap('init', null, []),
    initWithThreadsCount: cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: cwrap('get_threads_count', 'number', []),
    registerTensor: cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: cwrap('dispose_data', null, ['number']),
    dispose: cwrap('dispose', null, []),
  };
}
