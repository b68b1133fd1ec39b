import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { usePageHost } from './use-page-host.ts';
import { choose, desktop, fixture, overflow, patience, phone } from './visit.ts';

const host = usePageHost();

async function finished(page: Page): Promise<string[][]> {
  await page.locator('#csv:enabled').waitFor();
  return page
    .locator('#rows tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );
}

async function downloaded(page: Page, button: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ]);
  return {
    name: download.suggestedFilename(),
    text: await readFile(await download.path(), 'utf8'),
  };
}

const broken = { name: '=1+1,"x".png', mimeType: 'image/png', buffer: Buffer.from('no image') };

test('classifies several files into a table, and tells of each that is refused', async () => {
  const { page } = await host.open(desktop);
  const grey = { width: 300, height: 300, channels: 3, background: 'grey' } as const;
  const images = [
    ['chelsea.png', await readFile(fixture('chelsea'))],
    ['coffee.png', await readFile(fixture('coffee'))],
    ['grey.png', await sharp({ create: grey }).png().toBuffer()],
  ] as const;
  const files = images.map(([name, buffer]) => ({ name, mimeType: 'image/png', buffer }));
  await page.locator('#file').setInputFiles([...files, broken]);
  const rows = await finished(page);
  expect(rows).toEqual([
    ['chelsea.png', 'Egyptian cat', expect.stringMatching(/^\d+\.\d%$/)],
    ['coffee.png', 'espresso', expect.stringMatching(/^\d+\.\d%$/)],
    ['grey.png', 'none of these', ''],
    [broken.name, expect.stringMatching(/JPEG, PNG, WebP, AVIF/)],
  ]);
  expect(await page.getByRole('status').textContent()).toBe('3 images classified; 1 could not be');

  const csv = await downloaded(page, 'Download CSV');
  expect(csv.name).toBe('imagenet.csv');
  const lines = csv.text.split('\r\n');
  expect(lines[0]).toBe(
    'image,model,version,known,score,label_1,probability_1,label_2,probability_2,label_3,probability_3,' +
      'label_4,probability_4,label_5,probability_5,problem',
  );
  expect(lines[1]).toMatch(
    /^chelsea\.png,imagenet,[0-9a-f]{12},true,0\.\d+,Egyptian_cat,0\.\d+,\w+,.*,$/,
  );
  // No formula in a spreadsheet, and one cell.
  expect(lines[4]).toMatch(/^"'=1\+1,""x""\.png",(,){14}/);
  expect(lines).toHaveLength(6);

  const json = await downloaded(page, 'Download JSON');
  expect(json.name).toBe('imagenet.json');
  expect(JSON.parse(json.text)).toMatchObject([
    { image: 'chelsea.png', answer: { predictions: [{ label: 'Egyptian_cat' }, {}, {}, {}, {}] } },
    { image: 'coffee.png' },
    { image: 'grey.png' },
    { image: broken.name, problem: { code: 'unsupported_image' } },
  ]);
});

test('shows the image and all predictions of the row that is chosen, with the keyboard', async () => {
  const { page, complaints } = await host.open(desktop);
  await choose(page, 'chelsea', 'coffee');
  await finished(page);
  expect(await page.locator('#predictions').isVisible()).toBe(false);
  await page.getByRole('button', { name: 'coffee.png' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('#crop .frame').waitFor();
  expect(await page.locator('#preview').getAttribute('alt')).toBe('coffee.png');
  expect(await page.locator('#predictions .label').first().textContent()).toBe('espresso');
  await page.getByRole('button', { name: 'chelsea.png' }).click();
  expect(await page.locator('#predictions .label').first().textContent()).toBe('Egyptian cat');
  expect(await page.locator('[aria-current]').allTextContents()).toEqual(['chelsea.png']);
  expect(complaints).toEqual([]);
});

test('takes several links, and asks them all again of another model', async () => {
  const { page, complaints } = await host.open(desktop);
  await page.getByLabel('Or an image’s address').fill(`${host.imageUrl}?1 ${host.imageUrl}?2`);
  await page.keyboard.press('Enter');
  expect((await finished(page)).map(([, label]) => label)).toEqual(['espresso', 'espresso']);
  await page.getByLabel('Model').selectOption('cifar10');
  await page.locator('#csv:disabled').waitFor();
  const labels = (await finished(page)).map(([, label]) => label);
  expect(labels[0]).not.toBe('espresso');
  expect(labels[1]).toBe(labels[0]);
  // One image again is no table.
  await choose(page, 'chelsea');
  await expect.poll(() => page.locator('#many').isVisible(), patience).toBe(false);
  expect(complaints).toEqual([]);
});

test('sends an image again when the service says when', async () => {
  const { page } = await host.open(desktop);
  let asked = 0;
  await page.route('**/classify?*', (route) =>
    ++asked === 1
      ? route.fulfill({
          status: 429,
          headers: { 'retry-after': '1' },
          json: { title: 'Too many requests', detail: 'Too many.', code: 'rate_limited' },
        })
      : route.continue(),
  );
  await choose(page, 'chelsea', 'coffee');
  expect((await finished(page)).map(([, label]) => label)).toEqual(['Egyptian cat', 'espresso']);
  expect(asked).toBe(3);
});

test('fits a phone', async () => {
  const { page } = await host.open(phone);
  await page
    .locator('#file')
    .setInputFiles([
      { name: `${'long-name-'.repeat(12)}.png`, mimeType: 'image/png', buffer: broken.buffer },
      fixtureFile,
    ]);
  await finished(page);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

const fixtureFile = { name: 'b.png', mimeType: 'image/png', buffer: broken.buffer };
