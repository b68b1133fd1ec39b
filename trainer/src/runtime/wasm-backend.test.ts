import { describeBackend } from '../../fixtures/backend-suite.ts';

describeBackend('wasm', /^WebAssembly, tfjs 4\.\S+, on (one core|\d+ cores)$/);
