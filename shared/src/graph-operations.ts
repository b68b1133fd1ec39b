/**
 * The operations that the trainer's graphs are made of, by TensorFlow's names. The Worker has the
 * tfjs code of these and of no others: `edge/src/tfjs/`.
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
