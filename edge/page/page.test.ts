import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { usePageHost } from './use-page-host.ts';
import {
  choose,
  desktop,
  expectReadable,
  fixture,
  labels,
  overflow,
  patience,
  phone,
} from './visit.ts';

const host = usePageHost();

test('classifies a chosen file, and says how long it took and how to ask again', async () => {
  const { page, complaints } = await host.open(desktop);
  await choose(page, 'chelsea');
  expect((await labels(page))[0]).toBe('Egyptian cat');
  expect(await page.getByRole('status').textContent()).toMatch(/^Egyptian cat, \d+\.\d%$/);
  const shares = await page.locator('#predictions .share').allTextContents();
  expect(shares).toHaveLength(5);
  const widths = await page
    .locator('.bar')
    .evaluateAll((bars) =>
      bars.map((bar) => (bar as HTMLElement).style.getPropertyValue('--share')),
    );
  expect(widths.map((share) => `${(Number(share) * 100).toFixed(1)}%`)).toEqual(shares);
  expect(await page.locator('#timing').textContent()).toMatch(
    /in total, from this page\d.* msimage451 × 300 PNG, 221 kB$/,
  );
  expect(await page.locator('#curl').textContent()).toBe(
    `curl '${new URL(page.url()).origin}/classify?model=imagenet' \\\n` +
      `  -H 'content-type: image/png' \\\n  --data-binary '@chelsea.png'`,
  );
  expect(await page.locator('#preview').isVisible()).toBe(true);
  expect(complaints).toEqual([]);
});

test('classifies the image at an address', async () => {
  const { page, complaints } = await host.open(desktop);
  await page.getByLabel('Or an image’s address').fill(host.imageUrl);
  await page.keyboard.press('Enter');
  expect((await labels(page))[0]).toBe('espresso');
  const url = encodeURIComponent(host.imageUrl);
  expect(await page.locator('#curl').textContent()).toContain(
    `/classify?model=imagenet&url=${url}'`,
  );
  expect(complaints).toEqual([]);
});

test('asks again when another model is chosen', async () => {
  const { page, complaints } = await host.open(desktop);
  await choose(page, 'chelsea');
  await labels(page);
  await page.getByLabel('Model').selectOption('cifar10');
  const first = page.locator('#predictions .label').first();
  await expect.poll(() => first.textContent(), patience).toBe('cat');
  expect(await page.locator('#model-facts').textContent()).toContain('10 labels');
  expect(complaints).toEqual([]);
});

test.each(['paste', 'drop'] as const)('takes a file by %s', async (how) => {
  const { page } = await host.open(desktop);
  const bytes = [...(await readFile(fixture('rocket-224')))];
  await page.evaluate(
    ([type, data]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(data)], 'rocket.png', { type: 'image/png' }));
      const event =
        type === 'paste'
          ? new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true })
          : new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    },
    [how, bytes] as const,
  );
  expect((await labels(page))[0]).toBe('missile');
});

test('takes an address by paste', async () => {
  const { page } = await host.open(desktop);
  await page.evaluate((url) => {
    const transfer = new DataTransfer();
    transfer.setData('text/plain', url);
    const event = new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true });
    document.body.dispatchEvent(event);
  }, host.imageUrl);
  expect((await labels(page))[0]).toBe('espresso');
  expect(await page.getByLabel('Or an image’s address').inputValue()).toBe(host.imageUrl);
});

test('shows what the service objects to', async () => {
  const { page } = await host.open(desktop);
  await page.getByLabel('Or an image’s address').fill('http://10.0.0.1/<b>image</b>.jpg');
  await page.getByRole('button', { name: 'Classify' }).click();
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(
    /^Target not allowed The url and its redirects must lead to a public/,
  );
  expect(await page.locator('#predictions').isVisible()).toBe(false);

  // And recovers.
  await choose(page, 'coffee');
  expect((await labels(page))[0]).toBe('espresso');
  expect(await alert.isVisible()).toBe(false);
});

test('says so when the service cannot be reached', async () => {
  const { page } = await host.open(desktop);
  await page.locator('#model-facts:not(:empty)').waitFor();
  await page.context().setOffline(true);
  await choose(page, 'coffee');
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').textContent()).toContain('cannot be reached');
});

test('works with the keyboard alone', async () => {
  const { page } = await host.open(desktop);
  await page.locator('#model-facts:not(:empty)').waitFor();
  await page.getByText('All 1,000 labels').waitFor();
  const stops: string[] = [];
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press('Tab');
    stops.push(
      await page.evaluate(() => {
        const focused = document.activeElement;
        const image = focused?.querySelector('img');
        return focused?.id || image?.alt || (focused?.textContent ?? '').trim();
      }),
    );
  }
  expect(stops).toEqual([
    'Graft',
    'API',
    'Models',
    'All 1,000 labels',
    'file',
    'url',
    'Classify',
    'model',
    'A cat',
    'A cup of coffee',
  ]);
  await page.keyboard.press('Enter');
  expect((await labels(page))[0]).toBe('espresso');
});

describe.each([
  ['desktop', desktop],
  ['phone', phone],
] as const)('on a %s', (_, options) => {
  test('fits the width, before and after an answer', async () => {
    const { page } = await host.open(options);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await choose(page, 'chelsea');
    await labels(page);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    // Its answer scrolls into view.
    const top = async (): Promise<number> =>
      (await page.getByRole('status').boundingBox())?.y ?? Number.NaN;
    await expect.poll(top, patience).toBeLessThan(options.viewport.height - 50);
  });
});

test.each(['light', 'dark'] as const)('has readable text in %s', async (colorScheme) => {
  const { page } = await host.open({ ...desktop, colorScheme });
  await choose(page, 'chelsea');
  await labels(page);
  await expectReadable(page, [
    'h1',
    '.intro p',
    '#status',
    '.share',
    '.facts',
    '.timing dt',
    'code',
    '#copy',
  ]);
});

test('asks nobody but the service, under a policy that lets it', async () => {
  const { page } = await host.open(desktop);
  const origins = new Set<string>();
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  const response = await page.reload();
  await page.getByRole('button', { name: 'A rocket' }).click();
  await labels(page);
  origins.delete('null');
  expect([...origins].filter((origin) => !origin.startsWith('blob:'))).toEqual([
    new URL(page.url()).origin,
  ]);
  const headers = response?.headers() ?? {};
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  );
  expect(headers).toMatchObject({
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});
