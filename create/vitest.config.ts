import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'create',
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      {
        test: {
          name: 'slow',
          include: ['e2e/**/*.slow.test.ts'],
          // It packs, installs and trains.
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          // After all others, which would slow it.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
