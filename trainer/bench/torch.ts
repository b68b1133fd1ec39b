/**
 * PyTorch, and what its recipe and the linear probe need, in one Python environment: on Linux PyTorch's CUDA libraries come
 * with it, 5 GB.
 */
export const torch = [
  'torch==2.15.0',
  ...['scikit-learn==1.9.1', 'pillow==13.0.0', 'safetensors==0.8.0'],
];
