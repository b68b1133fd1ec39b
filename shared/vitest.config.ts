import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'decoders/**/*.test.ts'],
    globalSetup: './test/image-folder.ts',
    // A busy machine is no failure: alone, the longest takes some seconds.
    testTimeout: 60_000,
  },
});
