import { type ClassifyResponse, classifyResponse } from 'shared/contract/responses';
import { expect, inject, test } from 'vitest';
import { ask } from '../../test/ask.ts';
import { seenAt } from '../../test/seen.ts';
import { sha256Hex } from '../access/sha256-hex.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';

const host = inject('imageHost');
const app = createApp();

let asked = 0;

/** A path with an image that no test has requested yet. */
function another(image = '/chelsea-224.png?'): string {
  asked += 1;
  return `/classify?${new URLSearchParams({ url: `${host}${image}&${asked}` })}`;
}

function get(
  path: string,
  headers: Record<string, string> = {},
  bindings: Partial<Env> = {},
): Promise<Response> {
  return ask(app, path, { headers }, bindings);
}

/** How many requests for a path's image the host received during `run`. */
async function fetchesOf(path: string, run: () => Promise<unknown>): Promise<number> {
  const url = new URL(new URL(path, host).searchParams.get('url') as string);
  const fetches = async () => (await seenAt(host, url.pathname + url.search)).requests;
  const before = await fetches();
  await run();
  return (await fetches()) - before;
}

async function bodyOf(response: Response): Promise<ClassifyResponse> {
  expect(response.status).toBe(200);
  return classifyResponse.parse(await response.json());
}

test('fetches an image once, and then responds from the cache', async () => {
  const path = another();
  const first = await get(path);
  expect(first.headers.get('cache-control')).toBe('public, max-age=3600');
  expect(first.headers.has('age')).toBe(false);
  const body = await bodyOf(first);
  const count = await fetchesOf(path, async () => {
    const second = await get(path);
    expect(second.headers.get('server-timing')).toBe('cache;desc=hit');
    expect(Number(second.headers.get('age'))).toBeLessThan(10);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(await bodyOf(second)).toEqual(body);
  });
  expect(count).toBe(0);
});

test('computes a new response for other parameters', async () => {
  const path = another();
  await get(path);
  expect(await fetchesOf(path, () => get(`${path}&top=3`))).toBe(1);
  expect(await fetchesOf(path, () => get(`${path}&top=5`))).toBe(0);
  expect(await fetchesOf(path, () => get(`${path}&model=imagenet`))).toBe(0);
});

test.each(['no-store', 'no-cache'])('bypasses the cache on request: %s', async (value) => {
  const path = another();
  await get(path);
  const count = await fetchesOf(path, async () => {
    const response = await get(path, { 'cache-control': value });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
  expect(count).toBe(1);
});

test('responds with 304 to a client that has the response', async () => {
  const path = another();
  const etag = (await get(path)).headers.get('etag') as string;
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  const response = await get(path, { 'if-none-match': `"other", W/${etag}` });
  expect(response.status).toBe(304);
  expect(await response.text()).toBe('');
  expect(response.headers.get('etag')).toBe(etag);
  expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
  expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
});

test('does not cache errors', async () => {
  const path = another('/no-such-image.png?');
  for (let i = 0; i < 2; i++) {
    const count = await fetchesOf(path, async () => {
      const response = await get(path);
      expect(response.status).toBe(502);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.has('etag')).toBe(false);
    });
    expect(count).toBe(1);
  }
});

test('does not cache an image that its host calls private', async () => {
  const path = another('/private?');
  for (let i = 0; i < 2; i++) {
    const count = await fetchesOf(path, async () => {
      expect((await get(path)).headers.get('cache-control')).toBe('no-store');
    });
    expect(count).toBe(1);
  }
});

test('shares one fetch among concurrent requests', async () => {
  const path = another('/after?ms=100');
  const count = await fetchesOf(path, async () => {
    const responses = await Promise.all([1, 2, 3, 4].map(() => get(path)));
    const bodies = await Promise.all(responses.map(bodyOf));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });
  expect(count).toBe(1);
});

test("gives one caller's responses to no other", async () => {
  const keys = await Promise.all(['one', 'two'].map(sha256Hex));
  const bindings = { API_KEY_HASHES: keys.join() };
  const path = another('/after?ms=50');
  const getAs = (key: string): Promise<Response> =>
    get(path, { authorization: `Bearer ${key}` }, bindings);
  // First at the same time, then one after the other.
  expect(await fetchesOf(path, () => Promise.all([getAs('one'), getAs('two')]))).toBe(2);
  expect(await fetchesOf(path, () => get(path))).toBe(1);
  const again = another();
  expect(await fetchesOf(again, () => get(again, { authorization: 'Bearer one' }, bindings))).toBe(
    1,
  );
  expect(await fetchesOf(again, () => get(again, { authorization: 'Bearer two' }, bindings))).toBe(
    1,
  );
  expect(await fetchesOf(again, () => get(again, { authorization: 'Bearer two' }, bindings))).toBe(
    0,
  );
  const response = await get(again, { authorization: 'Bearer one' }, bindings);
  expect(response.headers.get('cache-control')).toBe('private, max-age=3600');
  expect((await get(again, {}, bindings)).status).toBe(401);
});
