import ipaddr from 'ipaddr.js';
import { ProblemError } from './problem.ts';

/** Which targets a request may reach. */
export interface GuardRules {
  readonly maxUrlLength: number;
  /** Lets this machine's own addresses through, on any port. For development. */
  readonly allowLoopback: boolean;
  /** `host[:port]` under which the Worker itself was reached: it never fetches from itself. */
  readonly ownHost: string;
  /** When given, the only hosts allowed: names, or `*.example.com` for all names under it. */
  readonly allowedHosts?: readonly string[] | undefined;
}

/**
 * Parses the url of a picture and refuses what a Worker on the open internet must not fetch.
 *
 * `fetch` in a Worker cannot pin an address, so a name that resolves to a private one is not seen
 * here; that risk stays, and an allow-list is the answer to it.
 *
 * @throws ProblemError `invalid_url` for what is not a plain absolute http(s) url,
 *   `blocked_target` for a url that leads anywhere but a public web server
 */
export function guardUrl(raw: string, rules: GuardRules): URL {
  const url = parseWebUrl(raw, rules.maxUrlLength);
  if (!isAllowedTarget(url, rules)) throw blockedTarget();
  return url;
}

/**
 * The same for the `Location` of a redirect, which may be relative. Whatever is wrong with it,
 * the answer is `blocked_target`: the caller's own url was fine.
 *
 * @throws ProblemError `blocked_target`
 */
export function guardRedirect(location: string, from: URL, rules: GuardRules): URL {
  const target = URL.parse(location, from);
  if (!target || (from.protocol === 'https:' && target.protocol !== 'https:')) {
    throw blockedTarget();
  }
  try {
    return guardUrl(target.href, rules);
  } catch (cause) {
    throw blockedTarget(cause);
  }
}

/** One body for every reason, so that the service tells nobody what it can reach. */
function blockedTarget(cause?: unknown): ProblemError {
  return new ProblemError(
    'blocked_target',
    'The url must lead to a public web server on port 80 or 443, and so must its redirects.',
    { cause },
  );
}

function parseWebUrl(raw: string, maxLength: number): URL {
  const complaint = rawComplaint(raw, maxLength);
  if (complaint) throw new ProblemError('invalid_url', complaint);
  const url = URL.parse(raw);
  if (!url) {
    throw new ProblemError('invalid_url', 'The url has a host or port that cannot exist.');
  }
  if (url.username || url.password) {
    throw new ProblemError('invalid_url', 'The url must not hold a user name or password.');
  }
  return url;
}

/** Checks the raw string, since the url parser repairs silently what other parsers read otherwise. */
function rawComplaint(raw: string, maxLength: number): string | undefined {
  if (raw === '') return 'The query needs a url, as in /classify?url=https://example.com/cat.jpg.';
  if (raw.length > maxLength) return `The url must have at most ${maxLength} characters.`;
  if (/\p{Cc}/u.test(raw)) return 'The url must not hold control characters.';
  if (raw.includes('\\')) return 'The url must not hold a backslash; write / or %5C.';
  if (/%(?![0-9a-f]{2})/i.test(raw))
    return 'The url holds a % that no two hexadecimal digits follow; percent-encode it in the query.';
  if (!/^https?:\/\//i.test(raw)) return 'The url must begin with http:// or https://.';
  return undefined;
}

function isAllowedTarget(url: URL, rules: GuardRules): boolean {
  // The parser has already made 127.1, 0x7f000001, full-width digits and the like one spelling.
  const host = url.hostname.replace(/\.$/, '');
  if (rules.allowedHosts && !isListed(host, rules.allowedHosts)) return false;
  const isOwn = host === URL.parse(`http://${rules.ownHost}`)?.hostname;
  if (rules.allowLoopback && isLoopback(host)) {
    // Other servers of this machine have other ports.
    return !isOwn || host + (url.port && `:${url.port}`) !== rules.ownHost;
  }
  if (isOwn) return false;
  if (!['', '80', '443'].includes(url.port)) return false;
  return ipaddr.isValid(unbracket(host)) ? isPublicAddress(host) : isPublicName(host);
}

function isListed(host: string, allowedHosts: readonly string[]): boolean {
  return allowedHosts.some((allowed) => {
    const [, wildcard = '', name] = /^(\*\.)?(.*)$/.exec(allowed) ?? [];
    // As the url's own host is spelled: lower case, other alphabets in Punycode.
    const parsed = URL.parse(`http://${name}:1/`);
    // More than a name, as with a port or a path, allows nothing.
    if (parsed?.href !== `http://${parsed?.hostname}:1/`) return false;
    return wildcard ? host.endsWith(`.${parsed.hostname}`) : host === parsed.hostname;
  });
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const address = unbracket(host);
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'loopback';
}

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublicAddress(host: string): boolean {
  const address = ipaddr.parse(unbracket(host));
  if (address.range() !== 'unicast') return false;
  // Outside 2000::/3 lie, among others, IPv4 addresses in disguise (`::7f00:1`).
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}

/** Suffixes that no public name has. @see RFC 6761, RFC 8375, ICANN's `.internal` */
const privateSuffixes = [
  'localhost',
  'local',
  'localdomain',
  'internal',
  'intranet',
  'private',
  'lan',
  'home',
  'corp',
  'arpa',
  'test',
  'invalid',
  'onion',
];

function isPublicName(host: string): boolean {
  const labels = host.split('.');
  const suffix = labels.at(-1) ?? '';
  return labels.length > 1 && !labels.includes('') && !privateSuffixes.includes(suffix);
}

/** `[::1]` to `::1`. */
function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
