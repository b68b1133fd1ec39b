import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { createTestHarness } from 'wrangler';
import { startChromium } from '../../trainer/fixtures/start-chromium.ts';

/** After this, what has not come will not come. */
export const PATIENCE_MS = 30_000;

/** The Worker with its page, a browser, and a host with images. */
export interface PageHost {
  /** A new page, with what the browser has complained of, which should be nothing. */
  open(
    options?: BrowserContextOptions,
    path?: string,
  ): Promise<{ page: Page; complaints: string[] }>;
  /** Closes the pages that are open, which would slow down the next ones. */
  closePages(): Promise<void>;
  /** Of an image that another host serves. */
  readonly imageUrl: string;
  close(): Promise<void>;
}

/**
 * @param image what the other host serves
 * @param vars of the Worker
 */
export async function startPageHost(
  image: Uint8Array,
  vars: Readonly<Record<string, string>> = {},
): Promise<PageHost> {
  const worker = createTestHarness({
    root: fileURLToPath(new URL('..', import.meta.url)),
    workers: [{ configPath: 'wrangler.jsonc', vars: { ALLOW_LOOPBACK: '1', ...vars } }],
  });
  const host = createServer((_, response) => response.end(image));
  const [{ url }, browser] = await Promise.all([worker.listen(), startChromium(), listen()]);

  function listen(): Promise<void> {
    return new Promise((resolve) => host.listen(0, '127.0.0.1', resolve));
  }

  return {
    imageUrl: `http://127.0.0.1:${(host.address() as AddressInfo).port}/image.png`,
    async open(options, path = '/') {
      const context = await browser.newContext({ baseURL: `${url}`, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await page.goto(path);
      return { page, complaints };
    },
    async closePages() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async close() {
      await browser.close();
      await worker.close();
      host.closeAllConnections();
      host.close();
    },
  };
}
