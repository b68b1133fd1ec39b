import { defineConfig } from 'vitest/config';

const settings = {
  unstubEnvs: true,
  // TensorFlow's addon cannot be loaded by two threads of one process.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

/**
 * What trains, exports and measures whole networks, opens a browser, runs a compiler, pip or shells, or tries every
 * network, backend or file of weights: minutes, all together.
 */
const WORKING = [
  'src/backbones/{architectures,parity}.test.ts',
  'src/backends/**/{*-backend,install-native,prebuilt-native}.test.ts',
  'src/training/**/*.test.ts',
  'src/commands/**/*.test.ts',
  'src/report/**/*.test.ts',
  'src/review/**/*.test.ts',
  'src/evaluation/{compare-models,evaluate-model,measure-photos}.test.ts',
  'src/export/{browser/*,onnx/export-onnx,export-keras}.test.ts',
  'src/cli/{cli,completion}.test.ts',
  'src/weights/{load-backbone-weights,odd-weights,packaged-weights,read-weights}.test.ts',
  'src/weights/keras/write-keras-h5.test.ts',
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
          // A process runs many files: to start one and to load TensorFlow there takes as long as the tests of a file.
          isolate: false,
          setupFiles: 'fixtures/remove-temporary-folders.ts',
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
