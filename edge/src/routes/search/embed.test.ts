import { embedResponse, problem } from 'shared/contract/responses';
import type { Embedding } from 'shared/contract/vectors';
import { expect, inject, test } from 'vitest';
import { ask } from '../../../test/ask.ts';
import { signUrl } from '../../../test/sign-url.ts';
import { sha256Hex } from '../../access/sha256-hex.ts';
import { createApp } from '../../app.ts';
import { decodeEmbedding } from '../../classify/encode-embedding.ts';
import type { Env } from '../../env.ts';

const host = inject('imageHost');
const app = createApp();
const url = `${host}/chelsea.jpg`;

function get(query: Record<string, string>, bindings: Partial<Env> = {}, headers = {}) {
  return ask(app, `/embed?${new URLSearchParams(query)}`, { headers }, bindings);
}

async function embeddingIn(response: Response): Promise<Embedding> {
  expect(response.status).toBe(200);
  return embedResponse.parse(await response.json()).embedding;
}

const valuesOf = (embedding: Embedding): number[] => [...decodeEmbedding(embedding)];

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);

test('gives features of norm 1, the same for an image that is fetched, sent or named', async () => {
  const response = await get({ url, model: 'cifar10' });
  expect(response.headers.get('server-timing')).toMatch(/^fetch;dur=.*inference;dur=/);
  expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
  const fetched = await embeddingIn(response);
  expect(fetched).toMatchObject({ format: 'float32', dimensions: 1280 });
  const values = valuesOf(fetched);
  expect(values).toHaveLength(1280);
  expect(dot(values, values)).toBeCloseTo(1, 6);
  const body = await (await fetch(url)).arrayBuffer();
  const sent = await ask(app, '/embed?model=cifar10', { method: 'POST', body });
  expect(await embeddingIn(sent)).toEqual(fetched);
  const named = await ask(app, '/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, model: 'cifar10' }),
  });
  expect(await embeddingIn(named)).toEqual(fetched);
});

test('tells images and models apart', async () => {
  const [cat, smallCat, coffee, other] = await Promise.all(
    [
      { url },
      { url: `${host}/chelsea-224.png` },
      { url: `${host}/coffee-224.png` },
      { url, model: 'cifar10' },
    ].map(async (query) => valuesOf(await embeddingIn(await get(query)))),
  );
  if (!cat || !smallCat || !coffee) throw new Error('Each has an embedding.');
  expect(dot(cat, smallCat)).toBeGreaterThan(dot(cat, coffee) + 0.2);
  expect(other).not.toEqual(cat);
});

test('takes a quarter of the bytes as int8', async () => {
  const [floats, steps] = await Promise.all(
    ['float32', 'int8'].map(async (format) => embeddingIn(await get({ url, format }))),
  );
  if (!floats || !steps) throw new Error('Each format has an embedding.');
  expect(Uint8Array.fromBase64(steps.data)).toHaveLength(1280);
  const half = (steps.scale as number) / 2;
  const expected = valuesOf(floats);
  for (const [at, value] of valuesOf(steps).entries()) {
    expect(Math.abs(value - (expected[at] as number))).toBeLessThanOrEqual(half * 1.001);
  }
  expect(Math.max(...valuesOf(steps).map(Math.abs))).toBeGreaterThan(126 * half);
});

test.each([
  [{ url: 'http://10.0.0.1/' }, 'blocked_target'],
  [{ url, model: 'none' }, 'unknown_model'],
  [{ url, format: 'float64' }, 'invalid_request'],
  [{ url, top: '5' }, 'invalid_request'],
  [{}, 'invalid_url'],
] as const)('refuses %j as %s', async (query, code) => {
  expect(problem.parse(await (await get(query)).json()).code).toBe(code);
});

test('counts against the rate, and asks for a key where one is needed', async () => {
  const RATE_LIMITER = { limit: async () => ({ success: false }) } as RateLimit;
  const client = { 'cf-connecting-ip': '203.0.113.7' };
  expect((await get({ url }, { RATE_LIMITER }, client)).status).toBe(429);
  const API_KEY_HASHES = await sha256Hex('key');
  expect((await get({ url }, { API_KEY_HASHES })).status).toBe(401);
  const authorization = 'Bearer key';
  const response = await get({ url }, { API_KEY_HASHES }, { authorization });
  expect(response.headers.get('cache-control')).toBe('private, max-age=3600');
});

test('is not what a signature of /classify is for', async () => {
  const URL_SIGNING_KEY = 'secret';
  const query = new URLSearchParams(await signUrl(url, URL_SIGNING_KEY));
  expect((await ask(app, `/classify?${query}`, {}, { URL_SIGNING_KEY })).status).toBe(200);
  expect((await ask(app, `/embed?${query}`, {}, { URL_SIGNING_KEY })).status).toBe(401);
});
