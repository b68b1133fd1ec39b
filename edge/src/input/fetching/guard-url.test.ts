import { expect, test } from 'vitest';
import { blockedHosts } from '../../../test/blocked-hosts.ts';
import { type GuardRules, guardRedirect, guardUrl } from './guard-url.ts';

const rules: GuardRules = {
  maxUrlLength: 8192,
  allowLoopback: false,
  ownHost: 'graft.example.org',
};

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'allowed';
}

test.each([
  'https://example.com/cat.jpg',
  'http://example.com/cat.jpg?size=2#top',
  'HTTPS://EXAMPLE.COM/cat%20one.jpg',
  'https://example.com:443/',
  'http://example.com:443/',
  'http://localdomain.example.com/',
  'http://example.com./cat.jpg',
  'https://bücher.example.com/cat.jpg',
  'http://93.184.215.14/cat.jpg',
  'http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/cat.jpg',
  `https://example.com/${'a'.repeat(8172)}`,
])('allows %s', (url) => {
  expect(codeOf(() => guardUrl(url, rules))).toBe('allowed');
});

test.each([
  '',
  'cat.jpg',
  '/cat.jpg',
  '//example.com/cat.jpg',
  'example.com/cat.jpg',
  'http:example.com',
  'http:/example.com',
  'http://',
  ' http://example.com',
  `https://example.com/${'a'.repeat(8173)}`,
  'file:///etc/passwd',
  'ftp://example.com/cat.jpg',
  'data:image/png;base64,AAAA',
  'blob:https://example.com/1',
  'javascript:alert(1)',
  'http://user@example.com/',
  'http://user:password@example.com/',
  'http://:password@example.com/',
  'http://example.com:99999/',
  'http://300.1.1.1/',
  'ht\ntp://example.com/',
  'http://exam\tple.com/',
  'http://example.com/\u0000',
  'http://example.com/\u0085',
  'http://example.com\\@127.0.0.1/',
  'http:\\\\example.com/',
  'http://example.com/%',
  'http://example.com/%zz',
  'http://example.com/100%.jpg',
  'http://[::1/',
  'http://exa mple.com/',
])('calls %j an invalid url', (url) => {
  expect(codeOf(() => guardUrl(url, rules))).toBe('invalid_url');
});

test.each(blockedHosts)('blocks http://%s/', (host) => {
  expect(codeOf(() => guardUrl(`http://${host}/cat.jpg`, rules))).toBe('blocked_target');
});

test.each(blockedHosts)('blocks a redirect to http://%s/', (host) => {
  const from = new URL('http://example.com/');
  expect(codeOf(() => guardRedirect(`http://${host}/`, from, rules))).toBe('blocked_target');
});

test.each([
  'file:///etc/passwd',
  'ftp://example.com/cat.jpg',
  'javascript:alert(1)',
  'https://user:password@example.com/',
  '//127.0.0.1/cat.jpg',
  'http://example.com/cat.jpg',
])('blocks a redirect from an https url to %s', (location) => {
  const from = new URL('https://example.com/');
  expect(codeOf(() => guardRedirect(location, from, rules))).toBe('blocked_target');
});

test.each([
  ['/b.jpg', 'https://example.com/b.jpg'],
  ['b.jpg', 'https://example.com/photos/b.jpg'],
  ['//www.example.net/b.jpg', 'https://www.example.net/b.jpg'],
  ['/100%.jpg', 'https://example.com/100%.jpg'],
  ['/%zz.jpg', 'https://example.com/%zz.jpg'],
  ['/a\\b.jpg', 'https://example.com/a/b.jpg'],
  ['/a b\tc.jpg', 'https://example.com/a%20bc.jpg'],
  ['/caf\u00e9.jpg', 'https://example.com/caf%C3%A9.jpg'],
  [`/${'a'.repeat(8000)}`, `https://example.com/${'a'.repeat(8000)}`],
  ['/b.jpg, /b.jpg', 'https://example.com/b.jpg'],
  ['/b.jpg, /c.jpg', 'https://example.com/b.jpg,%20/c.jpg'],
])('follows a redirect to %s', (location, expected) => {
  const from = new URL('https://example.com/photos/a.jpg');
  expect(guardRedirect(location, from, rules).href).toBe(expected);
});

test.each([
  'graft.example.org.',
  'GRAFT.EXAMPLE.ORG.:443',
  'graft.example.org:8787',
  'Graft.example.org.:80',
])('recognizes itself by the Host header %s', (ownHost) => {
  for (const url of ['http://graft.example.org/', 'https://graft.example.org./classify']) {
    expect(codeOf(() => guardUrl(url, { ...rules, ownHost }))).toBe('blocked_target');
  }
  expect(codeOf(() => guardUrl('http://www.graft.example.org/', { ...rules, ownHost }))).toBe(
    'allowed',
  );
});

// Addresses made from a network card's, and names that only resemble the blocked ones.
test.each([
  '[2606:2800:21f:cb07:21b:21ff:fe5e:5efe]',
  '[2606:2800:21f:cb07:5efe:0:7f00:1]',
  '[2606:2800:21f:cb07:400:5efe:7f00:1]',
  'images.xn--p1ai',
  'images.музыка.рф',
  'svc.example.com',
  'consul.mail.example.dev',
])('allows %s', (host) => {
  expect(codeOf(() => guardUrl(`http://${host}/`, rules))).toBe('allowed');
});

test.each([
  ['an address that is not a url', 'https://example.com:99999/', 'fetch_failed'],
  ['an address that is not a url', 'https://[::1/', 'fetch_failed'],
  ['of more than 8192 characters', `/${'a'.repeat(8192)}`, 'fetch_failed'],
  ['of more than 8192 characters', `/${'é'.repeat(2000)}`, 'fetch_failed'],
  ['neither ASCII nor UTF-8', '/caf\uFFFD.jpg', 'fetch_failed'],
  ['other than http or https', 'data:image/png;base64,AAAA', 'blocked_target'],
  ['other than http or https', 'blob:https://example.com/1', 'blocked_target'],
  ['http from https', 'http://example.com/cat.jpg', 'blocked_target'],
  ['user name or password', 'https://user@example.com/', 'blocked_target'],
  ['public web server', '//127.0.0.1/', 'blocked_target'],
])('reports that a redirect leads to %s', (words, location, code) => {
  const from = new URL('https://example.com/');
  const follow = () => guardRedirect(location, from, rules);
  expect(codeOf(follow)).toBe(code);
  expect(follow).toThrow(words);
});

test('gives the same message for every blocked target', () => {
  const messages = ['http://10.0.0.1/', 'http://intranet/', 'http://example.com:22/'].map((url) => {
    try {
      guardUrl(url, rules);
      return 'allowed';
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(new Set(messages).size).toBe(1);
});

const development = { ...rules, allowLoopback: true, ownHost: 'localhost:8787' };

test.each([
  ['http://127.0.0.1:8080/', 'allowed'],
  ['http://localhost:3000/', 'allowed'],
  ['http://127.1:9/', 'allowed'],
  ['http://[::1]:8080/', 'allowed'],
  ['http://10.0.0.1/', 'blocked_target'],
  ['http://169.254.169.254/', 'blocked_target'],
  ['http://0.0.0.0/', 'blocked_target'],
  ['http://example.com:8080/', 'blocked_target'],
  ['http://localhost:8787/', 'blocked_target'],
])('where loopback is allowed, %s is %s', (url, code) => {
  expect(codeOf(() => guardUrl(url, development))).toBe(code);
});

test.each(['http://bücher.de/', 'http://xn--bcher-kva.de./', 'http://a.BÜCHER.de/'])(
  'recognizes the allowed host of %s in any spelling',
  (url) => {
    const allowedHosts = ['xn--bcher-kva.de', '*.xn--bcher-kva.de'];
    expect(codeOf(() => guardUrl(url, { ...rules, allowedHosts }))).toBe('allowed');
    expect(codeOf(() => guardUrl('http://buecher.de/', { ...rules, allowedHosts }))).toBe(
      'blocked_target',
    );
  },
);
