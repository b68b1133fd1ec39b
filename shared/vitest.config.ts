import { defineConfig } from 'vitest/config';

const settings = {
  testTimeout: 60_000,
  globalSetup: './test/folders/image-folder.ts',
} as const;

/** What compiles, or tries thousands of damaged files: a minute, all together. */
const BUILDING = [
  'decoders/**/*.test.ts',
  'src/wasm-builds.test.ts',
  'src/images/fuzz.test.ts',
  'src/images/hostile.test.ts',
];

export default defineConfig({
  test: {
    name: 'shared',
    projects: [
      { test: { ...settings, name: 'unit', include: ['src/**/*.test.ts'], exclude: BUILDING } },
      { test: { ...settings, name: 'building', include: BUILDING } },
    ],
  },
});
