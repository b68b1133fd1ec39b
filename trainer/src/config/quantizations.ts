/** The formats in which a kernel's weights can be stored. */
export const kernelFormats = ['uint8', 'uint16', 'float16', 'float32'] as const;
export type KernelFormat = (typeof kernelFormats)[number];

/** What `--quantize` takes: one format for all kernels, or `mixed`, which chooses one for each. */
export const quantizations = [...kernelFormats, 'mixed'] as const;
export type Quantization = (typeof quantizations)[number];

/** How an ONNX file stores kernels; all is computed in float32. */
export type OnnxKernelFormat = Exclude<KernelFormat, 'uint16'>;
