import { createRequire } from 'node:module';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { completeWasmModule } from './complete-wasm-module.ts';
import type { WasmHeap } from './kernels/cnn-kernels.ts';

/** tfjs-wasm's module, for `new BackendWasm`. */
export type WasmModule = BackendWasm['wasm'] & WasmHeap;

/** Starts tfjs-wasm's module in Node, with SIMD and on one thread, as the Worker does. */
export async function createWasmModule(): Promise<WasmModule> {
  const require = createRequire(import.meta.url);
  const folder = '@tensorflow/tfjs-backend-wasm/wasm-out';
  const create = require(`${folder}/tfjs-backend-wasm.js`) as (options: {
    locateFile(): string;
  }) => Promise<WasmModule>;
  const locateFile = () => require.resolve(`${folder}/tfjs-backend-wasm-simd.wasm`);
  const module = await create({ locateFile });
  completeWasmModule(module);
  return module;
}
