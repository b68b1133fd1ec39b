import { describe, inject } from 'vitest';
import { describeBackend } from '../../../fixtures/backend-suite.ts';

describe.skipIf(!inject('cuda'))('the GPU package', () => {
  describeBackend('cuda', /^TensorFlow 2\.\S+ (on |for CUDA, but it finds no NVIDIA GPU)/);
});
