import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'edge',
    // The Worker writes a line a request.
    silent: 'passed-only',
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.jsonc' },
            miniflare: {
              r2Buckets: [
                'TEST_MODELS',
                'TEST_JOBS',
                'TEST_PHOTOS',
                'TEST_FEEDBACK',
                'TEST_SEARCH',
              ],
              images: { binding: 'TEST_IMAGES' },
            },
          }),
        ],
        test: {
          name: 'workerd',
          include: ['src/**/*.test.ts'],
          globalSetup: ['image-host', 'every-operation', 'other-heads'].map(
            (name) => `./test/${name}.ts`,
          ),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'node',
          include: ['bench/**/*.test.ts', 'deploy/**/*.test.ts', 'page/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: '../trainer/fixtures/backends-global-setup.ts',
          // TensorFlow's addon cannot be loaded by two threads of one process.
          pool: 'forks',
          testTimeout: 60_000,
          // They train.
          hookTimeout: 900_000,
          // After the others, which would slow them.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
