import { describe, expect, inject, test } from 'vitest';
import { seenAt } from '../../../test/seen.ts';
import type { ByteBudget } from '../../isolate/byte-budget.ts';
import { defaultLimits } from '../../limits.ts';
import { fetchImage, type Outbound, userAgent } from './fetch-image.ts';

const host = inject('imageHost');
const rules = { maxUrlLength: 8192, allowLoopback: true, ownHost: 'graft.example.org' };
const outbound: Outbound = {
  rules,
  userAgent: userAgent('https://graft.example.org/'),
  rates: { admitFetch: async () => undefined },
};
const limits = {
  ...defaultLimits,
  maxBytes: 200_000,
  headersTimeoutMs: 1000,
  bodyTimeoutMs: 1000,
};

const unlimited: ByteBudget = { take() {} };

async function fetchFrom(path: string): Promise<Uint8Array> {
  return (await fetchImage(new URL(path, host), outbound, limits, unlimited)).bytes;
}

test('fetches a file', async () => {
  const expected = new Uint8Array(await (await fetch(`${host}/chelsea.jpg`)).arrayBuffer());
  expect(await fetchFrom('/chelsea.jpg')).toEqual(expected);
});

test('tells the host nothing about the caller', async () => {
  await fetchFrom('/chelsea.jpg?by=nobody');
  const { headers = {} } = await seenAt(host, '/chelsea.jpg?by=nobody');
  expect(headers['user-agent']).toBe('graft/1.0 (https://graft.example.org/)');
  expect(headers['via']).toBe('1.1 graft');
  for (const name of ['cookie', 'authorization', 'referer', 'origin', 'x-forwarded-for']) {
    expect(headers).not.toHaveProperty(name);
  }
});

describe('redirects', () => {
  test('are followed up to the limit', async () => {
    expect(await fetchFrom('/redirects?left=5')).toEqual(await fetchFrom('/chelsea.jpg'));
  });

  test.each(['/redirects?left=6', '/redirects?left=1000', '/redirect-without-location'])(
    'without a target fail: %s',
    async (path) => {
      await expect(fetchFrom(path)).rejects.toMatchObject({ code: 'fetch_failed' });
    },
  );

  test.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://intranet/',
    'http://graft.example.org/',
    'http://example.com:8080/',
    'http://user:password@example.com/',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    '//10.0.0.1/',
  ])('to %s are blocked', async (to) => {
    const path = `/redirect?to=${encodeURIComponent(to)}`;
    await expect(fetchFrom(path)).rejects.toMatchObject({ code: 'blocked_target' });
  });

  test('to loopback are blocked without a request, where loopback is not allowed', async () => {
    const target = '/chelsea.jpg?on=loopback';
    const path = `/redirect?to=${encodeURIComponent(host + target)}`;
    const fetching = fetchImage(
      new URL(path, host),
      { ...outbound, rules: { ...rules, allowLoopback: false } },
      limits,
      unlimited,
    );
    await expect(fetching).rejects.toMatchObject({ code: 'blocked_target' });
    expect(await seenAt(host, path)).toMatchObject({ requests: 1 });
    expect(await seenAt(host, target)).toEqual({ requests: 0 });
  });
});

test.each([
  '/no-such-image.jpg',
  '/status?code=500',
  '/status?code=304',
  '/status?code=204',
  '/empty',
  '/broken-off',
])('%s fails', async (path) => {
  await expect(fetchFrom(path)).rejects.toMatchObject({ code: 'fetch_failed' });
});

test('an unreachable host gives the same problem as one that does not exist', async () => {
  const messages = await Promise.all(
    ['http://127.0.0.1:1/', 'http://no-such-host.example.com/'].map((url) =>
      fetchImage(new URL(url), outbound, { ...limits, headersTimeoutMs: 5000 }, unlimited).then(
        () => 'fetched',
        (error: Error & { code: string }) => `${error.code} ${error.message}`,
      ),
    ),
  );
  expect(messages[0]).toMatch(/^fetch_failed /);
  expect(messages[1]).toBe(messages[0]);
});

test.each(['/slow-headers', '/drip'])('%s takes too long', async (path) => {
  const start = Date.now();
  await expect(fetchFrom(path)).rejects.toMatchObject({ code: 'fetch_timeout' });
  expect(Date.now() - start).toBeLessThan(2500);
});

describe('size', () => {
  test('is allowed up to the cap', async () => {
    expect(await fetchFrom('/padded?bytes=200000')).toHaveLength(200_000);
  });

  test('is counted after decompression', async () => {
    const photo = await fetchFrom('/chelsea.jpg');
    expect(await fetchFrom('/gzip?bytes=100000')).toHaveLength(photo.length + 100_000);
  });

  test.each([
    ['/padded?bytes=200001'],
    ['/declared-length?bytes=200001'],
    ['/chunked?bytes=1000000000'],
    // 200 kB compressed into a few hundred bytes.
    ['/gzip?bytes=200000'],
  ])('is capped: %s', async (path) => {
    await expect(fetchFrom(path)).rejects.toMatchObject({ code: 'image_too_large' });
  });
});
