/**
 * The operations that the trainer's graphs are made of, by TensorFlow's names. `operations.ts`
 * runs these and no others, and the Worker has the tfjs kernels of no others: `edge/src/tfjs/`.
 */
export const graphOperations = [
  'AddN',
  'AddV2',
  'AvgPool',
  'ConcatV2',
  'Const',
  'FusedDepthwiseConv2dNative',
  'Identity',
  'LRN',
  'Max',
  'MaxPool',
  'Mean',
  'Mul',
  'Pad',
  'Placeholder',
  'Relu',
  'Relu6',
  'Reshape',
  'Sigmoid',
  'Softmax',
  'Split',
  'StridedSlice',
  'Tanh',
  '_FusedConv2D',
  '_FusedMatMul',
] as const;

export type GraphOperation = (typeof graphOperations)[number];
