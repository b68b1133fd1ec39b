import { type BatchLine, batchLine, problem } from 'shared/contract/responses';
import { beforeAll, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { signUrl } from '../../test/sign-url.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { defaultLimits } from '../limits.ts';

const host = inject('imageHost');
const app = createApp({ ...defaultLimits, batchConcurrency: 2, headersTimeoutMs: 5000 });

// Loading the model blocks the isolate for longer than the short timeout here.
beforeAll(async () => {
  await post({ urls: [`${host}/coffee-224.png`] });
});

function post(
  body: unknown,
  bindings: Partial<Env> = {},
  query = {},
  more: Record<string, string> = {},
): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...more };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  return ask(app, `/classify/batch?${new URLSearchParams(query)}`, init, bindings);
}

async function linesOf(response: Response): Promise<BatchLine[]> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => batchLine.parse(JSON.parse(line)));
}

function codesOf(lines: readonly BatchLine[]): string[] {
  const sorted = lines.toSorted((a, b) => a.index - b.index);
  return sorted.map((line) => ('problem' in line ? line.problem.code : 'answer'));
}

test('writes a line for each url, good or bad, in the order in which they finish', async () => {
  const urls = [
    `${host}/after?ms=1500`,
    `${host}/coffee-224.png`,
    'http://10.0.0.1/',
    `${host}/no-such-image.png`,
    'no url',
  ];
  const lines = await linesOf(await post({ urls, top: 1 }));
  expect(lines.map(({ index }) => index)).toEqual([1, 2, 3, 4, 0]);
  for (const { index, url } of lines) expect(url).toBe(urls[index]);
  expect(codesOf(lines)).toEqual([
    'answer',
    'answer',
    'blocked_target',
    'fetch_failed',
    'invalid_url',
  ]);
  const [coffee] = lines;
  expect(coffee && 'answer' in coffee && coffee.answer.predictions).toMatchObject([{ index: 967 }]);
});

test('limits the concurrent fetches', async () => {
  const real = globalThis.fetch;
  let open = 0;
  let most = 0;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...request) => {
    most = Math.max(most, ++open);
    const response = await real(...request);
    open -= 1;
    return response;
  });
  const urls = Array.from({ length: 8 }, (_, i) => `${host}/after?ms=30&${i}`);
  const lines = await linesOf(await post({ urls }));
  spy.mockRestore();
  expect(codesOf(lines)).toEqual(Array(8).fill('answer'));
  expect(most).toBe(2);
});

test('counts every url against the rate', async () => {
  let left = 2;
  const RATE_LIMITER = { limit: async () => ({ success: left-- > 0 }) } as RateLimit;
  const urls = Array(4).fill(`${host}/coffee-224.png`);
  const client = { 'cf-connecting-ip': '203.0.113.7' };
  const codes = codesOf(await linesOf(await post({ urls }, { RATE_LIMITER }, {}, client)));
  expect(codes.toSorted()).toEqual(['answer', 'answer', 'rate_limited', 'rate_limited']);
});

test.each([
  ['no urls', { urls: [] }, 'invalid_request'],
  ['101 urls', { urls: Array(101).fill('http://example.com/') }, 'invalid_request'],
  ['numbers', { urls: [1] }, 'invalid_request'],
  ['an unknown field', { urls: ['http://example.com/'], size: 1 }, 'invalid_request'],
  ['a number in quotes', { urls: ['http://example.com/'], top: '5' }, 'invalid_request'],
  ['another model', { urls: ['http://example.com/'], model: 'none' }, 'unknown_model'],
])('refuses %s', async (_, body, code) => {
  const response = await post(body);
  expect(problem.parse(await response.json()).code).toBe(code);
});

test.each([
  ['{', 'application/json'],
  ['{"urls":["http://example.com/"]}', 'text/plain'],
])('refuses %s as %s', async (body, type) => {
  const init = { method: 'POST', headers: { 'content-type': type }, body };
  const response = await ask(app, '/classify/batch', init);
  expect(response.status).toBe(400);
  expect(problem.parse(await response.json()).code).toBe('invalid_request');
});

test('needs a key where urls must be signed', async () => {
  const urls = ['http://example.com/'];
  expect((await post({ urls }, { URL_SIGNING_KEY: 'secret' })).status).toBe(401);
  // The signature for one image does not admit others.
  const signed = await signUrl('http://example.org/', 'secret');
  expect((await post({ urls }, { URL_SIGNING_KEY: 'secret' }, signed)).status).toBe(401);
});
