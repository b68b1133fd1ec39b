import { describe, inject } from 'vitest';
import { describeBackend } from '../../../fixtures/backend-suite.ts';

describe.skipIf(!inject('webgpu'))('on SwiftShader', () => {
  describeBackend('webgpu', /^WebGPU on SwiftShader .*, a GPU that the CPU emulates/);
});
