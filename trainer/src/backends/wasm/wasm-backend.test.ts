import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeBackend } from '../../../fixtures/backend-suite.ts';

describeBackend('wasm', /^WebAssembly, tfjs 4\.\S+, on (one core|\d+ cores)$/);

test('its threads end with the program, and do not keep it alive', () => {
  const script = `
    import * as tf from '@tensorflow/tfjs';
    import { startWasmBackend } from ${JSON.stringify(join(import.meta.dirname, 'wasm-backend.ts'))};
    await startWasmBackend(3);
    // Large enough for all of them.
    const sums = tf.conv2d(tf.ones([4, 64, 64, 32]), tf.ones([3, 3, 32, 32]), 1, 'valid');
    console.log(sums.min().dataSync()[0], sums.max().dataSync()[0]);`;
  const program = spawnSync(process.execPath, ['--eval', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(program).toMatchObject({ status: 0, stdout: '288 288\n' });
});
