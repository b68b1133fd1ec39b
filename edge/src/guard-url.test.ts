import { expect, test } from 'vitest';
import { type GuardRules, guardRedirect, guardUrl } from './guard-url.ts';

const rules: GuardRules = {
  maxUrlLength: 2048,
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
  `https://example.com/${'a'.repeat(2028)}`,
])('lets %s through', (url) => {
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
  `https://example.com/${'a'.repeat(2029)}`,
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

const blockedHosts = [
  '127.0.0.1',
  '127.0.0.1.',
  '2130706433',
  '0x7f000001',
  '0X7F.0.0.1',
  '0177.0.0.1',
  '127.1',
  '0',
  '0.0.0.0',
  '%31%32%37.0.0.1',
  '１２７.０.０.１',
  '127。0。0。1',
  'localhost',
  'LocalHost',
  'localhost.',
  'ⓁⓄⒸⒶⓁⒽⓄⓈⓉ',
  'a.localhost',
  'printer.local',
  'printer.local.',
  'metadata.google.internal',
  'router.home.arpa',
  'router.lan',
  'localhost.localdomain',
  'graft.example.org:443',
  'graft.example.org.:80',
  'intranet',
  'com',
  'example..com',
  'example.com..',
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:8.8.8.8]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[2002:c0a8:1::]',
  '[2001:0:53aa:64c:0:0:0:1]',
  '[2001:db8::1]',
  '[100::1]',
  '[fc00::1]',
  '[fd12:3456:789a::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  'graft.example.org',
  'GRAFT.example.org.',
  'example.com:22',
  'example.com:8080',
  'example.com:0',
];

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
  'https://example.com:99999/',
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
])('follows a redirect to %s', (location, expected) => {
  const from = new URL('https://example.com/photos/a.jpg');
  expect(guardRedirect(location, from, rules).href).toBe(expected);
});

test('says the same of every blocked target', () => {
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
  'http://127.0.0.1:8080/',
  'http://localhost:3000/',
  'http://127.1:9/',
  'http://[::1]:8080/',
])('lets %s through where loopback is allowed', (url) => {
  expect(codeOf(() => guardUrl(url, development))).toBe('allowed');
});

test.each([
  'http://10.0.0.1/',
  'http://169.254.169.254/',
  'http://0.0.0.0/',
  'http://example.com:8080/',
  'http://localhost:8787/',
])('blocks %s even where loopback is allowed', (url) => {
  expect(codeOf(() => guardUrl(url, development))).toBe('blocked_target');
});

test.each(['*.', 'example.com:8080', 'example.com/', 'a@example.com', 'example.com?', ''])(
  'takes %j in the list of hosts for no name',
  (listed) => {
    for (const url of ['http://example.com/', 'http://a.undefined/', 'http://a.com./']) {
      const only = { ...rules, allowedHosts: [listed] };
      expect(codeOf(() => guardUrl(url, only))).toBe('blocked_target');
    }
  },
);

test.each(['http://bücher.de/', 'http://xn--bcher-kva.de/', 'http://a.BÜCHER.example/'])(
  'knows the allowed host of %s in any spelling',
  (url) => {
    const allowedHosts = ['Bücher.de', '*.bücher.example'];
    expect(codeOf(() => guardUrl(url, { ...rules, allowedHosts }))).toBe('allowed');
    expect(codeOf(() => guardUrl('http://buecher.de/', { ...rules, allowedHosts }))).toBe(
      'blocked_target',
    );
  },
);
