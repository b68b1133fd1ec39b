import { readFileSync } from 'node:fs';
import { createPreprocess } from './preprocess.ts';
import type { ResizeKernel } from './resize-kernel.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

const resize = new WebAssembly.Module(readFileSync(new URL('resize.wasm', import.meta.url)));

/** The function of {@link createPreprocess} in Node. */
export const preprocess = createPreprocess(
  new WebAssembly.Instance(resize).exports as ResizeKernel,
);
