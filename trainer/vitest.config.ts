import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'parity/**/*.test.ts'],
    // These take minutes: vitest.slow.config.ts.
    exclude: ['**/*.slow.test.ts'],
    // TensorFlow's addon cannot be loaded by two threads of one process.
    pool: 'forks',
    // The backends are made here once, so that no two files download one at a time.
    globalSetup: 'fixtures/backends-global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
