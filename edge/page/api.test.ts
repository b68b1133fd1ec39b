import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { usePageHost } from './use-page-host.ts';
import { desktop, expectReadable, fixture, overflow, phone } from './visit.ts';

const host = usePageHost();

function formOf(page: Page, name: string): Locator {
  return page.getByRole('form', { name: `Try ${name}`, exact: true });
}

async function send(form: Locator): Promise<{ state: string; body: string; curl: string }> {
  await form.getByRole('button', { name: 'Send' }).click();
  await form.locator('.result').waitFor();
  const [, body = '', curl = ''] = await form.locator('.result code').allTextContents();
  return { state: (await form.getByRole('status').textContent()) ?? '', body, curl };
}

test('has a form for every operation, which sends what the service answers', async () => {
  const { page, complaints } = await host.open(desktop, '/api');
  const description = (await (await page.request.get('/openapi.json')).json()) as {
    paths: Record<string, object>;
  };
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `Try ${method.toUpperCase()} ${path}`),
  );
  const forms = page.locator('form.try');
  expect(await forms.evaluateAll((all) => all.map((form) => form.ariaLabel))).toEqual(operations);

  for (const name of ['GET /models', 'GET /health']) {
    const { state, body } = await send(formOf(page, name));
    expect(state).toMatch(/^200 OK, \d+ ms$/);
    expect(JSON.parse(body)).toBeTypeOf('object');
  }

  const card = formOf(page, 'GET /models/{id}');
  await card.getByLabel('id').fill('cifar10');
  expect((await send(card)).body).toContain('"airplane"');
  expect(complaints).toEqual([]);
});

test('classifies by url', async () => {
  const { page, complaints } = await host.open(desktop, '/api');
  const form = formOf(page, 'GET /classify');
  // What is required is asked for before anything is sent.
  await form.getByRole('button', { name: 'Send' }).click();
  expect(await form.locator('input:invalid').getAttribute('name')).toBe('url');
  await form.getByLabel('url').fill(host.imageUrl);
  await form.getByLabel('top').fill('2');
  const { state, body, curl } = await send(form);
  expect(state).toMatch(/^200 OK/);
  expect(JSON.parse(body)).toMatchObject({ predictions: [{ label: 'espresso' }, {}] });
  const query = new URLSearchParams({ url: host.imageUrl, top: '2' });
  expect(curl).toBe(`curl '${new URL(page.url()).origin}/classify?${query}'`);
  expect(complaints).toEqual([]);
});

test.each(['application/octet-stream', 'multipart/form-data'])('uploads as %s', async (type) => {
  const { page, complaints } = await host.open(desktop, '/api');
  const form = formOf(page, 'POST /classify');
  await form.getByLabel('Body, as').setInputFiles(fixture('chelsea'));
  await form.getByRole('radio', { name: type }).check();
  const { state, body, curl } = await send(form);
  expect(state).toMatch(/^200 OK/);
  expect(JSON.parse(body)).toMatchObject({
    predictions: [{ label: 'Egyptian_cat' }, {}, {}, {}, {}],
  });
  expect(curl).toContain(
    type === 'multipart/form-data' ? `-F 'image=@chelsea.png'` : `--data-binary '@chelsea.png'`,
  );
  expect(complaints).toEqual([]);
});

test('classifies an image that JSON names', async () => {
  const { page, complaints } = await host.open(desktop, '/api');
  const form = formOf(page, 'POST /classify');
  const field = form.getByLabel('Body of JSON');
  expect(await field.isVisible()).toBe(false);
  await form.getByRole('radio', { name: 'application/json' }).check();
  expect(JSON.parse(await field.inputValue())).toEqual({ url: 'https://example.com/cat.jpg' });
  const question = JSON.stringify({ url: host.imageUrl, top: 2 });
  await field.fill(question);
  const { state, body, curl } = await send(form);
  expect(state).toMatch(/^200 OK/);
  expect(JSON.parse(body)).toMatchObject({ predictions: [{ label: 'espresso' }, {}] });
  expect(curl).toContain(`-d '${question}'`);
  expect(complaints).toEqual([]);
});

test('shows each body of JSON with an example of its own', async () => {
  const { page } = await host.open(desktop, '/api');
  for (const [name, part] of [
    ['POST /jobs', { source: { bucket: 'photos', prefix: '2026/' } }],
    ['POST /classify/batch', { urls: ['https://example.com/cat.jpg'] }],
  ] as const) {
    expect(JSON.parse(await formOf(page, name).getByLabel('Body').inputValue())).toEqual(part);
  }
});

test('sends a batch, and shows its lines', async () => {
  const { page, complaints } = await host.open(desktop, '/api');
  const form = formOf(page, 'POST /classify/batch');
  const body = JSON.stringify({ urls: [host.imageUrl, 'http://10.0.0.1/'], top: 1 });
  await form.getByLabel('Body').fill(body);
  const sent = await send(form);
  const lines = sent.body.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ index: 0, answer: expect.anything() }),
      expect.objectContaining({ index: 1, problem: expect.anything() }),
    ]),
  );
  expect(sent.curl).toContain(`-d '${body}'`);
  expect(complaints).toEqual([]);
});

test('shows a problem as the service tells it', async () => {
  const { page } = await host.open(desktop, '/api');
  const form = formOf(page, 'GET /classify');
  await form.getByLabel('url').fill('http://10.0.0.1/<b>');
  const { state, body } = await send(form);
  expect(state).toMatch(/^403 Forbidden/);
  expect(JSON.parse(body)).toMatchObject({ code: 'blocked_target' });
});

test('has a policy as strict as that of the page', async () => {
  const { page } = await host.open(desktop, '/api');
  const policyOf = async (path: string): Promise<string[]> => {
    const headers = (await page.request.get(path)).headers();
    return (headers['content-security-policy'] ?? '').split('; ');
  };
  const images = /^img-src/;
  const strip = (policy: string[]): string[] => policy.filter((part) => !images.test(part));
  const policy = await policyOf('/api');
  expect(strip(policy)).toEqual(strip(await policyOf('/')));
  expect(policy.find((part) => images.test(part))).toBe("img-src 'self'");
  expect(policy.join()).not.toContain('unsafe');
});

test('reads without a script', async () => {
  const { page } = await host.open({ ...desktop, javaScriptEnabled: false }, '/api');
  expect(await page.getByText('Fetches an image and classifies it.').isVisible()).toBe(true);
  expect(await page.getByRole('button', { name: 'Send' }).count()).toBe(0);
});

test('leads to each operation, and to each schema that an answer has', async () => {
  const { page } = await host.open(desktop, '/api');
  const missing = await page
    .locator('a[href^="#"]')
    .evaluateAll((links) =>
      links.map((a) => a.getAttribute('href') ?? '').filter((id) => !document.querySelector(id)),
    );
  expect(missing).toEqual([]);
  expect(await page.locator('a[href^="#schema-"]').count()).toBeGreaterThan(5);
  const unlabelled = await page
    .locator('input, textarea')
    .evaluateAll(
      (fields) =>
        (fields as HTMLInputElement[]).filter(
          ({ labels, ariaLabel }) => !labels?.length && !ariaLabel,
        ).length,
    );
  expect(unlabelled).toBe(0);
});

describe.each([
  ['desktop', desktop],
  ['phone', phone],
] as const)('on a %s', (_, options) => {
  test('fits the width, with an answer too', async () => {
    const { page } = await host.open(options, '/api');
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await send(formOf(page, 'GET /models'));
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });
});

test.each(['light', 'dark'] as const)('has readable text in %s', async (colorScheme) => {
  const { page } = await host.open({ ...desktop, colorScheme }, '/api');
  await send(formOf(page, 'GET /health'));
  await expectReadable(page, [
    'h1',
    '.intro p',
    'h2 code',
    '.method',
    '.facts',
    'pre code',
    'summary',
  ]);
});
