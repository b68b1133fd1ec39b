import { expect, test } from 'vitest';
import { measureBundle } from './bundle-size.ts';

test('the Worker takes at most 750 KiB gzipped, without models', async () => {
  const { gzipKib } = await measureBundle();
  expect(gzipKib).toBeGreaterThan(100);
  expect(gzipKib).toBeLessThanOrEqual(750);
});
