import { defineConfig } from 'vitest/config';

/** What takes minutes: `pnpm test:slow`, which CI runs after `pnpm test`. */
export default defineConfig({
  test: { include: ['src/**/*.slow.test.ts'], pool: 'forks' },
});
