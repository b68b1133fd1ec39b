import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'decoders/**/*.test.ts'],
    globalSetup: './test/image-folder.ts',
  },
});
