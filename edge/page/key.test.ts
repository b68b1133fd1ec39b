import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { usePageHost } from './use-page-host.ts';
import { choose, desktop, labels } from './visit.ts';

const key = 'a-key-for-tests';
const hashes = { API_KEY_HASHES: createHash('sha256').update(key).digest('hex') };

const host = usePageHost(hashes);

test('asks for a key where the service does, and keeps it for this tab alone', async () => {
  const { page } = await host.open(desktop);
  const field = page.getByLabel('API key');
  await page.locator('#model-facts:not(:empty)').waitFor();
  expect(await field.isVisible()).toBe(false);
  await choose(page, 'chelsea');
  await field.waitFor();
  expect(await page.getByRole('alert').textContent()).toMatch(/^Not authorized This service needs/);
  // The next thing to type is the key.
  await page.locator('#key:focus').waitFor();

  await page.keyboard.type('a-wrong-one');
  await page.keyboard.press('Enter');
  await page.locator('[data-state="waiting"]').waitFor({ state: 'detached' });
  await page.getByRole('alert').waitFor();

  // It is selected, so that typing replaces it.
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  expect((await labels(page))[0]).toBe('Egyptian cat');
  const curl = await page.locator('#curl').textContent();
  expect(curl).toContain('-H "Authorization: Bearer $API_KEY"');
  expect(curl).not.toContain(key);

  const stored = await page.evaluate(() => [
    Object.values(sessionStorage),
    Object.values(localStorage),
    document.cookie,
    location.href,
  ]);
  expect(stored).toEqual([[key], [], '', expect.not.stringContaining(key)]);

  // It holds after a reload, and for several images.
  await page.reload();
  await choose(page, 'chelsea', 'coffee');
  await page.getByText('2 images classified').waitFor();

  // An empty field forgets it.
  await field.fill('');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test('asks once for several images', async () => {
  const { page } = await host.open(desktop);
  await choose(page, 'chelsea', 'coffee', 'rocket-224');
  await page.getByRole('alert').waitFor();
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await page.getByText('3 images classified').waitFor();
});

test('sends no key that could not stand in a header', async () => {
  const { page } = await host.open(desktop);
  await choose(page, 'chelsea');
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type('zwei Wörter');
  await page.keyboard.press('Enter');
  expect(await page.locator('#key:invalid').count()).toBe(1);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test('sends the key from the page of the API too', async () => {
  const { page } = await host.open(desktop, '/api');
  const form = page.getByRole('form', { name: 'Try GET /classify', exact: true });
  await form.getByLabel('url').fill(host.imageUrl);
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByText('401 Unauthorized').waitFor();
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await page.getByText('Requests carry the key until').waitFor();
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByText('200 OK').waitFor();
});
