import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.jsonc' } })],
        test: {
          name: 'workerd',
          include: ['src/**/*.test.ts'],
          globalSetup: './test/photo-host.ts',
          testTimeout: 30_000,
        },
      },
      { test: { name: 'node', include: ['bench/**/*.test.ts'], testTimeout: 60_000 } },
    ],
  },
});
