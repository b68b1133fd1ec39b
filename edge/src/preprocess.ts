import { createPreprocess } from 'shared/images/preprocess';
import resize from 'shared/images/resize.wasm';
import type { ResizeKernel } from 'shared/images/resize-kernel';

/** {@link createPreprocess}'s function, in the Worker. */
export const preprocess = createPreprocess(
  new WebAssembly.Instance(resize).exports as unknown as ResizeKernel,
);
