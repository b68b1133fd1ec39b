import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'shared',
    include: ['src/**/*.test.ts', 'decoders/**/*.test.ts'],
    testTimeout: 60_000,
    globalSetup: './test/folders/image-folder.ts',
  },
});
