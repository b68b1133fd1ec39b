/** `[batch, height, width, …]`, float32. */
const images = ['x', 'batch', 'height', 'width'] as const;
const filterShape = [
  'filterHeight',
  'filterWidth',
  'strideY',
  'strideX',
  'padTop',
  'padLeft',
  'outHeight',
  'outWidth',
] as const;
/** `min(max(… + bias, low), high)`, float32; a bias of 0 is none. */
const output = ['bias', 'low', 'high', 'out'] as const;
const depthwise = ['channels', 'filter', ...filterShape, ...output, 'work', 'workBytes'] as const;
const product = ['a', 'm', 'k', 'panels', 'n', ...output, 'work'] as const;

/**
 * The arguments of each kernel of `cnn-kernels.wasm`, in their order. WebAssembly knows nothing but this
 * order and numbers; everything else calls the kernels by these names. What they mean is said at the
 * kernels in `kernels/cnn/`. Those that take many get them in classes, which `tiles/arguments.ts` makes of these
 * lists; the parameters of the others a test compares with them.
 */
export const kernelArguments = {
  add: ['a', 'b', 'count', 'out'],
  convolve: [
    ...images,
    'channels',
    ...filterShape,
    'panels',
    'n',
    ...output,
    'patches',
    'patchCount',
    'work',
    'product',
  ],
  convolveCodes: [
    'rows',
    'scales',
    'batch',
    'height',
    'width',
    'depth',
    'parts',
    'panels',
    'expansionBias',
    'expansionHigh',
    'channels',
    'taps',
    ...filterShape,
    'bias',
    'high',
    'out',
    'work',
    'workBytes',
  ],
  convolveDepthwise: [...images, ...depthwise],
  convolveExpanded: [
    ...images,
    'inChannels',
    'panels',
    'isInt8',
    'expansionBias',
    'expansionLow',
    'expansionHigh',
    ...depthwise,
  ],
  dequantize: ['codes', 'count', 'offset', 'scales', 'channels', 'out'],
  dequantizePanels: ['codes', 'k', 'n', 'offset', 'scales', 'channels', 'out'],
  hasDotProduct: [],
  int8PanelBytes: ['k', 'n'],
  meanOfPixels: ['x', 'batch', 'pixels', 'channels', 'out'],
  multiply: product,
  multiplyChannels: ['x', 'factors', 'batch', 'pixels', 'channels', 'out'],
  multiplyCodes: [...product, 'step'],
  multiplyInt8: product,
  multiplyInt8Weights: product,
  packInt8Panels: ['codes', 'k', 'n', 'scales', 'channels', 'to'],
  packPanels: ['from', 'k', 'n', 'to'],
  packTaps: ['filter', 'filterHeight', 'filterWidth', 'channels', 'to'],
  panelBytes: ['k', 'n'],
  quantizePatches: [
    ...images,
    'channels',
    ...filterShape,
    'parts',
    'rows',
    'scales',
    'work',
    'workBytes',
  ],
  quantizeRows: ['a', 'rows', 'k', 'to', 'scales'],
  sigmoid: ['x', 'count', 'out'],
  swish: ['x', 'count', 'out'],
  tapBytes: ['filterHeight', 'filterWidth', 'channels'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KernelName = keyof typeof kernelArguments;

/** A call's arguments; those of the type `bool` are 0 or 1. */
export type KernelArguments<K extends KernelName> = Readonly<
  Record<(typeof kernelArguments)[K][number], number>
>;

/** @returns a call's arguments as WebAssembly takes them */
export function inOrder<K extends KernelName>(name: K, values: KernelArguments<K>): number[] {
  const order: readonly string[] = kernelArguments[name];
  return order.map((argument) => (values as Readonly<Record<string, number>>)[argument] as number);
}
