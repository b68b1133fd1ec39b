import { createPreprocess } from 'shared/images/preprocess/preprocess';
import resize from 'shared/images/preprocess/resize.wasm';
import type { ResizeKernel } from 'shared/images/preprocess/resize-kernel';

/** The function of {@link createPreprocess} in the Worker. */
export const preprocess = createPreprocess(
  new WebAssembly.Instance(resize).exports as unknown as ResizeKernel,
);
