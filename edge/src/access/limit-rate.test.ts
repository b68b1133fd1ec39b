import { env } from 'cloudflare:workers';
import { batchLine, problem } from 'shared/contract/responses';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { sha256Hex } from './sha256-hex.ts';

const host = inject('imageHost');
const app = createApp();

/** A client on the internet. */
const client = { 'cf-connecting-ip': '203.0.113.7', 'cache-control': 'no-store' };

afterEach(() => {
  vi.restoreAllMocks();
});

/** Admits a number of requests and records their keys. */
function limiter(limit = Number.POSITIVE_INFINITY): { binding: RateLimit; keys: string[] } {
  const keys: string[] = [];
  const binding = {
    async limit({ key }: { key: string }) {
      return { success: keys.push(key) <= limit };
    },
  } as RateLimit;
  return { binding, keys };
}

function get(
  path: string,
  bindings: Partial<Env>,
  headers: Record<string, string> = client,
): Promise<Response> {
  return ask(app, `/classify?${new URLSearchParams({ url: host + path })}`, { headers }, bindings);
}

async function codeOf(response: Response): Promise<string> {
  return problem.parse(await response.json()).code;
}

test('is on by default: it stops one client, and no other', async () => {
  expect((env as Env).HOST_RATE_LIMITER).toBeDefined();
  const codes: string[] = [];
  const headers = { 'cf-connecting-ip': '203.0.113.99' };
  for (let i = 0; i < 101; i++) codes.push(await codeOf(await ask(app, '/classify', { headers })));
  expect(codes.slice(0, 100)).toEqual(Array(100).fill('invalid_url'));
  expect(codes.at(-1)).toBe('rate_limited');
  const other = { 'cf-connecting-ip': '203.0.113.98' };
  expect(await codeOf(await ask(app, '/classify', { headers: other }))).toBe('invalid_url');
});

test('counts redirects against the client, and every request against the host', async () => {
  const clients = limiter(1);
  const hosts = limiter();
  const bindings = { RATE_LIMITER: clients.binding, HOST_RATE_LIMITER: hosts.binding };
  expect((await get('/redirects?left=3', bindings)).status).toBe(200);
  expect(clients.keys).toEqual(Array(4).fill('203.0.113.7'));
  expect(hosts.keys).toEqual(Array(4).fill('127.0.0.1'));
  // They reduce what remains for the next image.
  expect(await codeOf(await get('/chelsea.jpg', bindings))).toBe('rate_limited');
});

test('limits the requests to one host, redirects included', async () => {
  const HOST_RATE_LIMITER = limiter(2).binding;
  const response = await get('/redirects?left=3', { HOST_RATE_LIMITER });
  expect(response.headers.get('retry-after')).toBe('60');
  expect(await codeOf(response)).toBe('rate_limited');
});

test('does not limit callers with a key and listed hosts', async () => {
  const { binding, keys } = limiter(0);
  const listed = { HOST_RATE_LIMITER: binding, ALLOWED_HOSTS: '127.0.0.1' };
  expect((await get('/chelsea.jpg', listed)).status).toBe(200);
  const keyed = { HOST_RATE_LIMITER: binding, API_KEY_HASHES: await sha256Hex('key') };
  const headers = { ...client, authorization: 'Bearer key' };
  expect((await get('/chelsea.jpg', keyed, headers)).status).toBe(200);
  expect(keys).toEqual([]);
  const elsewhere = { HOST_RATE_LIMITER: binding, ALLOWED_HOSTS: '127.0.0.1, *.example.com' };
  expect((await get('/chelsea.jpg', elsewhere)).status).toBe(200);
});

test.each([
  ['1', '127.0.0.1', 200],
  ['1', '::1', 200],
  ['1', '::ffff:127.0.0.1', 200],
  ['1', '203.0.113.7', 429],
  ['1', 'localhost', 429],
  ['0', '127.0.0.1', 429],
])(
  'with ALLOW_LOOPBACK=%s, a client at %s gets %i above the limit',
  async (allow, from, status) => {
    const RATE_LIMITER = limiter(0).binding;
    const headers = { ...client, 'cf-connecting-ip': from };
    const bindings = { RATE_LIMITER, ALLOW_LOOPBACK: allow };
    expect((await get('/chelsea.jpg', bindings, headers)).status).toBe(status);
  },
);

test.each([
  ['nobody', {}, 100, 120],
  ['a key', { authorization: 'Bearer key' }, 600, 600],
])('a batch for %s makes a bounded number of requests', async (_, credentials, least, most) => {
  const fetches = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    const headers = { location: `http://example.com/${Math.random()}` };
    return new Response(null, { status: 302, headers });
  });
  const urls = Array.from({ length: 100 }, (_, i) => `http://example.com/${i}`);
  const headers = { 'content-type': 'application/json', ...credentials };
  const bindings = 'authorization' in credentials ? { API_KEY_HASHES: await sha256Hex('key') } : {};
  const init = { method: 'POST', headers, body: JSON.stringify({ urls }) };
  const response = await ask(app, '/classify/batch', init, bindings);
  const lines = (await response.text()).trimEnd().split('\n');
  expect(lines.map((line) => batchLine.parse(JSON.parse(line)))).toHaveLength(100);
  expect(fetches.mock.calls.length).toBeGreaterThanOrEqual(least);
  expect(fetches.mock.calls.length).toBeLessThanOrEqual(most);
});
