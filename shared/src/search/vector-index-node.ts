import { readFileSync } from 'node:fs';
import { VectorIndex } from './vector-index.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

const search = new WebAssembly.Module(readFileSync(new URL('dot-products.wasm', import.meta.url)));

/** @param file an index @throws Error for another file */
export function openVectorIndex(file: Uint8Array): Promise<VectorIndex> {
  return VectorIndex.load(
    file.length,
    async (target) => target.set(file),
    (imports) => new WebAssembly.Instance(search, imports).exports,
  );
}
