// What '@tensorflow/tfjs-core/dist/ops/ops_for_converter' means in the bundle: see `alias` in
// wrangler.jsonc. tfjs-converter's executor asks it for operations by name, and would drag all of
// them in; these are what `shared/graph-operations` needs.
import { conv2d } from '@tensorflow/tfjs-core/dist/ops/fused/conv2d.js';
import { depthwiseConv2d } from '@tensorflow/tfjs-core/dist/ops/fused/depthwise_conv2d.js';
import { matMul } from '@tensorflow/tfjs-core/dist/ops/fused/mat_mul.js';

export { add } from '@tensorflow/tfjs-core/dist/ops/add.js';
export { addN } from '@tensorflow/tfjs-core/dist/ops/add_n.js';
export { avgPool } from '@tensorflow/tfjs-core/dist/ops/avg_pool.js';
export { concat } from '@tensorflow/tfjs-core/dist/ops/concat.js';
export { localResponseNormalization } from '@tensorflow/tfjs-core/dist/ops/local_response_normalization.js';
export { max } from '@tensorflow/tfjs-core/dist/ops/max.js';
export { maxPool } from '@tensorflow/tfjs-core/dist/ops/max_pool.js';
export { mean } from '@tensorflow/tfjs-core/dist/ops/mean.js';
export { mul } from '@tensorflow/tfjs-core/dist/ops/mul.js';
export { pad } from '@tensorflow/tfjs-core/dist/ops/pad.js';
export { relu } from '@tensorflow/tfjs-core/dist/ops/relu.js';
export { relu6 } from '@tensorflow/tfjs-core/dist/ops/relu6.js';
export { reshape } from '@tensorflow/tfjs-core/dist/ops/reshape.js';
export { sigmoid } from '@tensorflow/tfjs-core/dist/ops/sigmoid.js';
export { softmax } from '@tensorflow/tfjs-core/dist/ops/softmax.js';
export { split } from '@tensorflow/tfjs-core/dist/ops/split.js';
export { stridedSlice } from '@tensorflow/tfjs-core/dist/ops/strided_slice.js';
export { tanh } from '@tensorflow/tfjs-core/dist/ops/tanh.js';
export const fused = { conv2d, depthwiseConv2d, matMul };
