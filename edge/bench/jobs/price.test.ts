import { readFile } from 'node:fs/promises';
import type { RecordedRun } from 'shared/bench/report-figures';
import { expect, test } from 'vitest';
import { CPU_MS_PER_IMAGE } from '../../src/jobs/price.ts';

test('the price of a job counts the CPU time that was measured', async () => {
  const file = new URL('../../../docs/benchmarks/edge-bench-jobs.json', import.meta.url);
  const { figures } = JSON.parse(await readFile(file, 'utf8')) as RecordedRun<{
    readonly cpu_ms: { readonly jobs: number };
  }>;
  expect(CPU_MS_PER_IMAGE).toBe(Math.round(figures.cpu_ms.jobs));
});
