import { defineConfig } from 'vitest/config';
import type { Reporter } from 'vitest/node';

/** Closes the output with one line for programs that read it. */
const totals: Reporter = {
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(count);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  },
};

export default defineConfig({
  test: {
    projects: [
      'shared',
      'trainer',
      'edge',
      'docs',
      'create',
      { test: { name: 'repository', include: ['*.test.ts'] } },
    ],
    reporters: ['default', totals],
  },
});
