import { problem } from 'shared/contract/responses';
import { type ProblemCode, problemStatus } from 'shared/contract/wire';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { ask } from '../test/ask.ts';
import { blockedHosts } from '../test/blocked-hosts.ts';
import { seenAt } from '../test/seen.ts';
import { createApp } from './app.ts';
import type { Env } from './env.ts';
import { defaultLimits } from './limits.ts';

// Attacks that a Worker on the open internet must withstand, one row each.

const host = inject('imageHost');
const app = createApp({
  ...defaultLimits,
  maxBytes: 1_000_000,
  headersTimeoutMs: 2000,
  bodyTimeoutMs: 2000,
});

interface Attack {
  readonly name?: string;
  /** Url of the image; a path refers to the image host. */
  readonly url?: string | undefined;
  /** The query of `/classify`, where it has more than the url. */
  readonly query?: string;
  readonly path?: string;
  readonly init?: RequestInit;
  readonly env?: Partial<Env>;
  /** Where the public host http(s)://example.com/ redirects to. */
  readonly redirect?: string | null;
  readonly expected: ProblemCode | 200;
  /** How many fetches the attack may cause; undefined where they are not counted. */
  readonly fetches?: number;
}

function attackWith({ url, query, path, init, env }: Attack): Promise<Response> {
  const target = url?.startsWith('/') && !url.startsWith('//') ? host + url : url;
  const asked = query ?? new URLSearchParams(target === undefined ? {} : { url: target });
  // Bypasses the cache, so that every attack does all the work.
  const headers = { 'cache-control': 'no-store', ...init?.headers };
  return ask(app, path ?? `/classify?${asked}`, { ...init, headers }, env);
}

const invalidUrls: (string | undefined)[] = [
  undefined,
  '',
  'cat.jpg',
  '//example.com/cat.jpg',
  `https://example.com/${'a'.repeat(8192)}`,
  'file:///etc/passwd',
  'ftp://example.com/cat.jpg',
  'data:image/png;base64,AAAA',
  'blob:https://example.com/1',
  'javascript:alert(1)',
  'http://user:password@example.com/',
  'http://example.com:99999/',
  'http://300.1.1.1/',
  'ht\ntp://example.com/',
  'http://exam\tple.com/',
  'http://example.com/\u0000',
  'http://example.com\\@127.0.0.1/',
  'http://example.com/%zz',
];

// There are more attacks than the rate of a client allows.
const unlimited = { limit: () => Promise.resolve({ success: true }) } as RateLimit;
const deployed = {
  ALLOW_LOOPBACK: '0',
  RATE_LIMITER: unlimited,
  HOST_RATE_LIMITER: unlimited,
};
const own = 'http://graft.example.org/classify?url=';

const blocked: Attack[] = [
  ...blockedHosts.map((name) => ({ path: own + encodeURIComponent(`http://${name}/cat.jpg`) })),
  {
    name: 'a host that only begins like an allowed one',
    url: 'http://allowed.com.evil.com/',
    env: { ALLOWED_HOSTS: 'allowed.com, *.allowed.com' },
  },
  {
    name: 'a host that only ends like an allowed one',
    url: 'http://notallowed.com/',
    env: { ALLOWED_HOSTS: '*.allowed.com' },
  },
  {
    name: 'a url with a wrong signature',
    query: 'url=http://example.com/&expires=9999999999&signature=00',
    env: { URL_SIGNING_KEY: 'secret' },
  },
  {
    name: 'a request from the Worker itself',
    url: 'http://example.com/',
    init: { headers: { via: '1.1 graft' } },
  },
].map((attack) => ({ env: deployed, ...attack, expected: 'blocked_target', fetches: 0 }));

const redirects: Attack[] = [
  ...blockedHosts.map((name) => `http://${name}/`),
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'javascript:alert(1)',
  'https://user:password@example.net/',
  '//127.0.0.1/',
].map((redirect) => ({
  name: `a redirect to ${redirect}`,
  path: `${own}http://example.com/`,
  redirect,
  env: deployed,
  expected: 'blocked_target',
  fetches: 1,
}));

const hops: Attack[] = [
  {
    name: 'a redirect from https to http',
    url: 'https://example.com/',
    redirect: 'http://example.net/cat.jpg',
    env: deployed,
    expected: 'blocked_target',
    fetches: 1,
  },
  {
    name: 'a redirect out of the list of allowed hosts',
    url: 'http://example.com/',
    redirect: 'http://example.com.evil.com/',
    env: { ...deployed, ALLOWED_HOSTS: 'example.com' },
    expected: 'blocked_target',
    fetches: 1,
  },
  {
    name: 'a redirect loop',
    url: 'http://example.com/',
    redirect: 'http://example.com/',
    env: deployed,
    expected: 'fetch_failed',
    fetches: 6,
  },
  {
    name: 'a redirect without Location',
    url: 'http://example.com/',
    redirect: null,
    env: deployed,
    expected: 'fetch_failed',
    fetches: 1,
  },
];

const upstream: Attack[] = [
  { url: '/redirects?left=5', expected: 200 },
  { url: '/redirects?left=6', expected: 'fetch_failed' },
  { url: 'http://no-such-host.example.com/', expected: 'fetch_failed' },
  { name: 'a host without TLS', url: host.replace('http:', 'https:'), expected: 'fetch_failed' },
  { url: '/status?code=404', expected: 'fetch_failed' },
  { url: '/status?code=500', expected: 'fetch_failed' },
  { url: '/empty', expected: 'fetch_failed' },
  { url: '/broken-off', expected: 'fetch_failed' },
  { url: '/slow-headers', expected: 'fetch_timeout' },
  { url: '/drip', expected: 'fetch_timeout' },
  { url: '/declared-length?bytes=1000001', expected: 'image_too_large' },
  { url: '/chunked?bytes=1000000000', expected: 'image_too_large' },
  { url: '/gzip?bytes=1000000', expected: 'image_too_large' },
  { url: '/padded?bytes=1000001', expected: 'image_too_large' },
  { url: '/padded?bytes=1000000', expected: 200 },
  // The body after the declared length is not read.
  { url: '/short-length', expected: 'broken_image' },
];

const images: Attack[] = [
  { url: '/html-as-png', expected: 'unsupported_image' },
  ...['image.svg', 'image.pdf', 'image.tiff', 'image.heic', 'hevc.avif', 'video.avif'].map(
    (name): Attack => ({ url: `/${name}`, expected: 'unsupported_image' }),
  ),
  { url: '/bomb.png', expected: 'too_many_pixels' },
  ...['zero.png', 'truncated.jpg', 'truncated.avif', 'bad-checksum.png']
    // Small files that would fill the memory if all of their entries were kept.
    .concat(['many-boxes.avif', 'many-properties.avif', 'many-references.avif'])
    .concat(['overlapping.avif', 'bomb.avif'])
    // A file in which the decoder would find another image than the one whose header was read.
    .concat('decoy.webp')
    .map((name): Attack => ({ url: `/${name}`, expected: 'broken_image' })),
  // None of these has a content type.
  ...['chelsea.jpg', 'animated.gif', 'animated.png', 'animated.webp', 'cmyk.jpg', '16-bit.png']
    .concat(['grey.jpg', 'grey.png', 'alpha.png', 'tiny.png', 'interlaced.png', 'progressive.jpg'])
    .concat(['chelsea.avif', 'veiled-grid.avif', '10-bit.avif'])
    .concat(['many-chunks.png', 'many-chunks.webp', 'no-marker.jpg'])
    .map((name): Attack => ({ url: `/${name}`, expected: 200 })),
];

const requests: Attack[] = [
  ...['0', '-1', 'NaN', '1e9'].map(
    (top): Attack => ({ query: `url=http://example.com/&top=${top}`, expected: 'invalid_request' }),
  ),
  { query: 'url=http://a.com/&url=http://b.com/', expected: 'invalid_url' },
  {
    name: 'an upload over the cap',
    path: '/classify',
    init: { method: 'POST', body: new Uint8Array(1_000_001) },
    expected: 'image_too_large',
  },
  {
    name: 'a batch over the cap',
    path: '/classify/batch',
    init: {
      method: 'POST',
      body: JSON.stringify({ urls: ['a'.repeat(1_100_000)] }),
      headers: { 'content-type': 'application/json' },
    },
    expected: 'body_too_large',
  },
  { name: 'PUT', path: '/classify', init: { method: 'PUT' }, expected: 'method_not_allowed' },
  ...[{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic a2V5' }].map(
    (headers): Attack => ({
      name: `the credentials ${JSON.stringify(headers)}`,
      url: '/chelsea.jpg',
      init: { headers },
      env: { API_KEY_HASHES: '0'.repeat(64) },
      expected: 'unauthorized',
    }),
  ),
  {
    name: 'a request over the rate',
    url: '/chelsea.jpg',
    init: { headers: { 'cf-connecting-ip': '203.0.113.7' } },
    env: { RATE_LIMITER: { limit: () => Promise.resolve({ success: false }) } as RateLimit },
    expected: 'rate_limited',
  },
];

afterEach(() => {
  vi.restoreAllMocks();
});

const attacks: Attack[] = [
  ...invalidUrls.map((url): Attack => ({ url, expected: 'invalid_url', fetches: 0 })),
  ...blocked,
  ...redirects,
  ...hops,
  ...upstream,
  ...images,
  ...requests,
];

function nameOf({ name, url, query, path, expected }: Attack): string {
  const asked = name ?? url ?? query ?? decodeURIComponent(path ?? 'no url');
  return `${asked.slice(0, 80)}: ${expected}`;
}

test.each(attacks.map((attack) => [nameOf(attack), attack] as const))('%s', async (_, attack) => {
  const { expected, redirect, fetches } = attack;
  // Where fetches are counted, none may leave this machine.
  const spy = vi.spyOn(globalThis, 'fetch');
  if (fetches !== undefined) {
    const headers = new Headers(redirect == null ? {} : { location: redirect });
    spy.mockImplementation(async () => new Response(null, { status: 302, headers }));
  }
  const response = await attackWith(attack);
  if (fetches !== undefined) expect(spy).toHaveBeenCalledTimes(fetches);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('cache-control')).toBe('no-store');
  if (expected === 200) {
    expect(response.status).toBe(200);
    return;
  }
  expect(response.status).toBe(problemStatus[expected]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(problem.parse(await response.json()).code).toBe(expected);
  if (expected === 'rate_limited') expect(response.headers.get('retry-after')).toBe('60');
  if (expected === 'unauthorized') expect(response.headers.get('www-authenticate')).toBe('Bearer');
});

test('all blocked targets give the same problem', async () => {
  const bodies = await Promise.all(
    ['http://10.0.0.1/', 'http://10.0.0.2/', 'http://printer.local/'].map(async (url) =>
      (await attackWith({ url, env: deployed, expected: 'blocked_target' })).text(),
    ),
  );
  expect(new Set(bodies).size).toBe(1);
});

test("forwards neither the caller's cookies nor its key", async () => {
  const headers = { cookie: 'session=1', authorization: 'Bearer key', referer: 'http://a.com/' };
  const url = '/chelsea.jpg?with=cookies';
  await attackWith({ url, init: { headers }, expected: 200 });
  const { headers: sent } = await seenAt(host, url);
  expect(sent).toHaveProperty('via');
  for (const name of Object.keys(headers)) expect(sent).not.toHaveProperty(name);
});

test('gives the same label for all eight orientations of an image', async () => {
  const labels = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7, 8].map(async (orientation) => {
      const response = await attackWith({ url: `/orientation-${orientation}.png`, expected: 200 });
      const { predictions } = (await response.json()) as { predictions: { label: string }[] };
      return predictions[0]?.label;
    }),
  );
  expect(new Set(labels).size).toBe(1);
});
