import { createPreprocess } from 'shared/preprocess';
import resize from 'shared/resize.wasm';
import type { ResizeKernel } from 'shared/resize-kernel';

/** {@link createPreprocess}'s function, in the Worker. */
export const preprocess = createPreprocess(
  new WebAssembly.Instance(resize).exports as unknown as ResizeKernel,
);
