import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { expect, test, vi } from 'vitest';
import { diagnose, linesOf } from './diagnose.ts';

test('says what works, how fast, and how to add what does not', () => {
  const speed = { matMul: 123.4, convolution: 0.0567 };
  const description = 'TensorFlow 2.21.0 on 2 cores';
  expect(linesOf('native', { kind: 'works', description, speed }, 'unused')).toEqual([
    'native  works: TensorFlow 2.21.0 on 2 cores; matMul 123, convolution with gradients 0.057 GFLOP/s',
  ]);
  const missing = { kind: 'missing', problem: 'No GPU.' } as const;
  expect(linesOf('webgpu', missing, 'add it')).toEqual([
    'webgpu  missing: No GPU.',
    '        add it with: add it',
  ]);
  expect(linesOf('webgpu', missing, undefined)).toEqual(['webgpu  missing: No GPU.']);
});

test('tries every backend, and what is not set up it does not set up', async () => {
  const cache = await temporaryFolder();
  vi.stubEnv('GRAFT_CACHE', cache);
  const lines: string[] = [];
  const { backends, cores } = await diagnose((line) => lines.push(line));
  const report = lines.join('\n');
  expect(cores).toBeGreaterThan(0);
  expect(backends.find(({ name }) => name === 'native')).toMatchObject({
    kind: 'missing',
    command: expect.stringContaining('graft setup'),
  });
  expect(report).toMatch(/^Node 2\d\.\S+, tfjs 4\.\S+, \w+ \w+, \d+ cores\.\nGPU: /);
  expect(report).toMatch(/^cuda {4}missing: .*$/m);
  expect(report).toMatch(/^native {2}missing: .*\n +add it with: .*graft setup$/m);
  expect(report).toMatch(/^webgpu {2}(works|missing): /m);
  for (const name of ['wasm', 'cpu']) {
    expect(report).toMatch(
      new RegExp(
        `^${name} +works: .*matMul [\\d.]+, convolution with gradients [\\d.]+ GFLOP/s$`,
        'm',
      ),
    );
  }
}, 300_000);
