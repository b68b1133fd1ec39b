import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'docs',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['*.test.ts'],
          exclude: ['*.slow.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'slow',
          include: ['*.slow.test.ts'],
          globalSetup: '../trainer/fixtures/backends-global-setup.ts',
          hookTimeout: 120_000,
          // After all others, which would slow it.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
