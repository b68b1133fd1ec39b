/** The formats in which a kernel's weights can be stored. */
export const kernelFormats = ['uint8', 'uint16', 'float16', 'float32'] as const;
export type KernelFormat = (typeof kernelFormats)[number];

/** What `--quantize` takes: one format for all kernels, or `mixed`, which chooses one for each. */
export const quantizations = [...kernelFormats, 'mixed'] as const;
export type Quantization = (typeof quantizations)[number];

/** How an ONNX file stores kernels. All is computed in float32, but with `int8`: there, activations have 8 bits too. */
export const onnxFormats = ['uint8', 'int8', 'float16', 'float32'] as const;
export type OnnxKernelFormat = (typeof onnxFormats)[number];

/** How a TensorFlow Lite file stores kernels; of `int8`, activations have 8 bits too. */
export const tfliteFormats = ['int8', 'float16', 'float32'] as const;
export type TfliteKernelFormat = (typeof tfliteFormats)[number];
