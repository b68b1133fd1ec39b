import { expect, test, vi } from 'vitest';
import { ask } from '../test/ask.ts';
import { createApp } from './app.ts';

const app = createApp();

test('gives each request an id, and keeps a harmless id of the client', async () => {
  const ids = await Promise.all(
    [{}, {}, { 'x-request-id': 'mine-1' }, { 'x-request-id': '<script>' }].map(async (headers) =>
      (await ask(app, '/health', { headers })).headers.get('x-request-id'),
    ),
  );
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(ids[1]).not.toBe(ids[0]);
  expect(ids[2]).toBe('mine-1');
  expect(ids[3]).toMatch(/^[0-9a-f-]{36}$/);
});

test.each(['/health', '/no-such-page', '/classify?url=http://10.0.0.1/'])(
  'sends secure headers with %s',
  async (path) => {
    const { headers } = await ask(app, path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('strict-transport-security')).toBe('max-age=15552000');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  },
);

test('lets pages of the origins in CORS_ORIGINS read responses', async () => {
  const allowedOrigin = async (origin: string, CORS_ORIGINS?: string): Promise<string | null> => {
    const bindings = CORS_ORIGINS === undefined ? {} : { CORS_ORIGINS };
    const response = await ask(app, '/health', { headers: { origin } }, bindings);
    return response.headers.get('access-control-allow-origin');
  };
  const origins = 'https://a.example, https://b.example';
  expect(await allowedOrigin('https://a.example')).toBeNull();
  expect(await allowedOrigin('https://b.example', origins)).toBe('https://b.example');
  expect(await allowedOrigin('https://c.example', origins)).toBeNull();
  expect(await allowedOrigin('https://c.example', '*')).toBe('*');
});

test('lets them read a 304', async () => {
  const bindings = { CORS_ORIGINS: 'https://a.example' };
  const origin = 'https://a.example';
  const etag = (await ask(app, '/models', { headers: { origin } }, bindings)).headers.get('etag');
  const headers = { origin, 'if-none-match': etag as string };
  const response = await ask(app, '/models', { headers }, bindings);
  expect(response.status).toBe(304);
  expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  expect(response.headers.get('access-control-expose-headers')).toContain('etag');
  expect(response.headers.get('x-request-id')).toMatch(/./);
});

test('responds to a preflight without a key', async () => {
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
  const bindings = { CORS_ORIGINS: 'https://a.example', API_KEY_HASHES: '0'.repeat(64) };
  const response = await ask(app, '/classify', { method: 'OPTIONS', headers }, bindings);
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-headers')).toContain('authorization');
});

test("logs one line of JSON per request, without the url's query", async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const url = encodeURIComponent('http://10.0.0.1/cat.jpg?token=secret#secret');
  const response = await ask(app, `/classify?url=${url}&model=imagenet`);
  const lines = log.mock.calls.map(([line]) => String(line));
  log.mockRestore();
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('secret');
  expect(JSON.parse(lines[0] as string)).toEqual({
    id: response.headers.get('x-request-id'),
    method: 'GET',
    path: '/classify',
    status: 403,
    code: 'blocked_target',
    ms: expect.any(Number),
    image: 'http://10.0.0.1/cat.jpg',
  });
});

test('writes a data point per request where METRICS is bound', async () => {
  const writeDataPoint = vi.fn();
  await ask(app, '/classify?url=', {}, { METRICS: { writeDataPoint } });
  expect(writeDataPoint.mock.calls).toEqual([
    [
      {
        indexes: [''],
        blobs: ['GET', '/classify', '400', 'invalid_url', '', ''],
        doubles: [expect.any(Number)],
      },
    ],
  ]);
});

test('limits by key or by address, and an IPv6 address by its network', async () => {
  const keys: string[] = [];
  const RATE_LIMITER = {
    async limit({ key }: { key: string }) {
      keys.push(key);
      return { success: false };
    },
  } as RateLimit;
  for (const address of ['203.0.113.7', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9']) {
    const headers = { 'cf-connecting-ip': address };
    const response = await ask(app, '/classify?url=', { headers }, { RATE_LIMITER });
    expect(response.status).toBe(429);
  }
  expect(keys).toEqual(['203.0.113.7', '2001:db8:1:2::', '2001:db8:1:2::']);
});
