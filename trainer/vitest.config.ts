import { defineConfig } from 'vitest/config';

const settings = {
  // TensorFlow's addon cannot be loaded by two threads of one process.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

/** What trains, opens a browser, compiles, or tries every network or backend: minutes, all together. */
const WORKING = [
  'src/backbones/{architectures,parity}.test.ts',
  'src/backends/native/install-native.test.ts',
  'src/training/**/*.test.ts',
  'src/commands/**/*.test.ts',
  'src/report/**/*.test.ts',
  'src/review/*.test.ts',
  'src/export/browser/*.test.ts',
  'src/cli/cli.test.ts',
  'src/backends/diagnose.test.ts',
];
/** What takes minutes each. */
const SLOW = ['src/**/*.slow.test.ts'];

// The backends are made here once, so that no two files download one at a time.
const globalSetup = 'fixtures/backends-global-setup.ts';

export default defineConfig({
  test: {
    name: 'trainer',
    projects: [
      {
        test: {
          ...settings,
          name: 'unit',
          include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'parity/**/*.test.ts'],
          exclude: [...WORKING, ...SLOW],
          globalSetup,
        },
      },
      { test: { ...settings, name: 'training', include: WORKING, exclude: SLOW, globalSetup } },
      {
        test: {
          ...settings,
          name: 'slow',
          include: SLOW,
          // After all others, which would slow it.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
