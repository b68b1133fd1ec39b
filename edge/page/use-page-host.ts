import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type PageHost, startPageHost } from './open-page.ts';
import { fixture } from './visit.ts';

/**
 * The host of a file's tests, which serves the image of the coffee; each test's pages are closed after it.
 *
 * @param vars of the Worker
 */
export function usePageHost(
  vars: Readonly<Record<string, string>> = {},
): Pick<PageHost, 'open' | 'imageUrl'> {
  let host: PageHost;
  beforeAll(async () => {
    host = await startPageHost(await readFile(fixture('coffee')), vars);
  }, 60_000);
  afterEach(() => host.closePages());
  afterAll(() => host?.close());
  return {
    open: (...page) => host.open(...page),
    get imageUrl() {
      return host.imageUrl;
    },
  };
}
