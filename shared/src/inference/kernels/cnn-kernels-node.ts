import { readFileSync } from 'node:fs';
import type { InstantiateKernels } from './cnn-kernels.ts';

/** TypeScript has WebAssembly among a browser's types only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/**
 * Instantiates the kernels in Node.
 *
 * @param file `cnn-kernels-shared.wasm` for a memory that threads share
 */
export function cnnKernelsForNode(
  file: 'cnn-kernels.wasm' | 'cnn-kernels-shared.wasm' = 'cnn-kernels.wasm',
): InstantiateKernels {
  const bytes = readFileSync(new URL(file, import.meta.url));
  const module = new WebAssembly.Module(bytes);
  return (imports) => new WebAssembly.Instance(module, imports).exports;
}
