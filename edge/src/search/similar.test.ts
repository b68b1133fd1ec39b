import { env } from 'cloudflare:workers';
import {
  embedResponse,
  problem,
  type SimilarResponse,
  similarResponse,
} from 'shared/contract/responses';
import { writeVectorIndex } from 'shared/search/write-vector-index';
import { afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { defaultLimits } from '../limits.ts';
import { similarRoutes } from '../routes/search/similar.ts';

const host = inject('imageHost');
const app = createApp(defaultLimits, similarRoutes(defaultLimits));
const { TEST_SEARCH: SEARCH } = env;
const NAMES = ['chelsea-224.png', 'coffee-224.png', 'rocket-224.png'];
const url = `${host}/chelsea.jpg`;

let model: string;
let vectors: Float32Array;

beforeAll(async () => {
  const embedded = await Promise.all(NAMES.map((name) => embed(`${host}/${name}`)));
  model = embedded[0]?.model ?? '';
  vectors = Float32Array.from(embedded.flatMap(({ values }) => [...values]));
  await SEARCH.put('images.index', writeVectorIndex({ ...whole(), names: NAMES }));
});

afterEach(() => vi.restoreAllMocks());

const whole = () => ({ model, vectors, dimensions: 1280 });

async function embed(image: string) {
  const response = await ask(app, `/embed?${new URLSearchParams({ url: image })}`);
  const { model: of, embedding } = embedResponse.parse(await response.json());
  const values = new Float32Array(Uint8Array.fromBase64(embedding.data).buffer);
  return { model: `${of.id}@${of.version}`, values };
}

function get(query: Record<string, string>, bindings: Partial<Env> = { SEARCH }) {
  return ask(app, `/similar?${new URLSearchParams(query)}`, {}, bindings);
}

async function found(response: Response | Promise<Response>): Promise<SimilarResponse> {
  const answered = await response;
  expect(answered.status).toBe(200);
  return similarResponse.parse(await answered.json());
}

async function refused(response: Promise<Response>) {
  return problem.parse(await (await response).json());
}

test('finds the same image in another size first', async () => {
  const response = await get({ url });
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('server-timing')).toMatch(/search;dur=/);
  const { matches, index, model: of } = await found(response);
  expect(index).toBe('images');
  expect(`${of.id}@${of.version}`).toBe(model);
  expect(matches.map(({ image }) => image)[0]).toBe('chelsea-224.png');
  expect(matches).toHaveLength(3);
  expect(matches[0]?.similarity).toBeGreaterThan((matches[1]?.similarity ?? 1) + 0.2);
  const copy = await found(get({ url: `${host}/coffee-224.png`, top: '1' }));
  expect(copy.matches).toMatchObject([{ image: 'coffee-224.png' }]);
  expect(copy.matches[0]?.similarity).toBeGreaterThan(0.9995);
});

test('takes an image that is sent, and one that JSON names', async () => {
  const { matches } = await found(get({ url, top: '2' }));
  const body = await (await fetch(url)).arrayBuffer();
  const sent = await ask(app, '/similar?top=2', { method: 'POST', body }, { SEARCH });
  expect((await found(sent)).matches).toEqual(matches);
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, top: 2, index: 'images' }),
  };
  expect((await found(await ask(app, '/similar', init, { SEARCH }))).matches).toEqual(matches);
});

test('compares projected embeddings by the projection of the index', async () => {
  // Only the first image's direction, and the second's.
  const projection = vectors.slice(0, 2 * 1280);
  const projected = Float32Array.of(1, 0, 0, 1);
  const options = { model, vectors: projected, dimensions: 2, names: ['cat', 'coffee'] };
  await SEARCH.put('two.index', writeVectorIndex({ ...options, projection }));
  const { matches } = await found(get({ url, index: 'two' }));
  expect(matches.map(({ image }) => image)).toEqual(['cat', 'coffee']);
});

test('an index that is replaced is read anew within a minute', async () => {
  await SEARCH.put('new.index', writeVectorIndex({ ...whole(), names: ['a', 'b', 'c'] }));
  expect((await found(get({ url, index: 'new' }))).matches[0]?.image).toBe('a');
  await SEARCH.put('new.index', writeVectorIndex({ ...whole(), names: ['d', 'e', 'f'] }));
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
  expect((await found(get({ url, index: 'new' }))).matches[0]?.image).toBe('d');
});

/**
 * A stand-in for Vectorize, which is not there offline: what its documentation says of `query`, with the cosine as
 * the metric.
 */
function standIn(): NonNullable<Env['VECTORIZE']> {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  return {
    async query(vector, { topK = 5, returnMetadata } = {}) {
      if (vector.length !== 1280) throw new Error('VECTOR_QUERY_ERROR: dimension mismatch');
      if (topK > 50) throw new Error('VECTOR_QUERY_ERROR: topK must be at most 50');
      const scored = NAMES.map((image, at) => ({
        id: `${at}`,
        score: dot(vector, vectors.subarray(at * 1280, (at + 1) * 1280)),
        ...(returnMetadata === 'all' && { metadata: { image } }),
      }));
      const matches = scored.sort((a, b) => b.score - a.score).slice(0, topK);
      return { matches, count: matches.length };
    },
  };
}

test('asks Vectorize for an index that has no vectors', async () => {
  await SEARCH.put('remote.index', writeVectorIndex(whole()));
  const VECTORIZE = standIn();
  const remote = await found(get({ url, index: 'remote' }, { SEARCH, VECTORIZE }));
  const local = await found(get({ url }));
  expect(remote.matches.map(({ image }) => image)).toEqual(local.matches.map((m) => m.image));
  for (const [at, { similarity }] of remote.matches.entries()) {
    expect(similarity).toBeCloseTo(local.matches[at]?.similarity ?? 2, 2);
  }
  expect(
    (await found(get({ url, index: 'remote', top: '50' }, { SEARCH, VECTORIZE }))).matches,
  ).toHaveLength(3);
  expect((await refused(get({ url, index: 'remote' }))).detail).toContain('no binding VECTORIZE');
});

test('says what is missing', async () => {
  expect(await refused(get({ url, index: 'none' }))).toMatchObject({ code: 'not_found' });
  expect((await refused(get({ url }, {}))).detail).toContain('no bucket SEARCH');
  await SEARCH.put(
    'gone.index',
    writeVectorIndex({ ...whole(), model: 'pets@0123456789ab', names: NAMES }),
  );
  const { code, detail } = await refused(get({ url, index: 'gone' }));
  expect(code).toBe('misconfigured');
  expect(detail).toContain('has an index gone of pets@0123456789ab, but not that model');
  await SEARCH.put('other.index', 'no index');
  expect((await refused(get({ url, index: 'other' }))).code).toBe('internal');
});

test.each([
  [{ url: 'http://10.0.0.1/' }, 'blocked_target'],
  [{ url, top: '51' }, 'invalid_request'],
  [{ url, index: '../models' }, 'invalid_request'],
  [{ url, model: 'imagenet' }, 'invalid_request'],
] as const)('refuses %j as %s', async (query, code) => {
  expect((await refused(get(query))).code).toBe(code);
});

test('counts against the rate', async () => {
  const RATE_LIMITER = { limit: async () => ({ success: false }) } as RateLimit;
  const headers = { 'cf-connecting-ip': '203.0.113.7' };
  const query = new URLSearchParams({ url });
  const response = await ask(app, `/similar?${query}`, { headers }, { SEARCH, RATE_LIMITER });
  expect(response.status).toBe(429);
});
