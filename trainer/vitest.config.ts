import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts'],
    // TensorFlow's addon cannot be loaded by two threads of one process.
    pool: 'forks',
    // The native backend is made here once, so that no two files download it at a time.
    globalSetup: 'src/runtime/native-global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
