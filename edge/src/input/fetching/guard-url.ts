import ipaddr from 'ipaddr.js';
import topLevelDomains from 'tlds';
import { ProblemError } from '../../problem.ts';

/** The targets that a request may reach. */
export interface GuardRules {
  readonly maxUrlLength: number;
  /** Allows this machine's own addresses on any port, for development. */
  readonly allowLoopback: boolean;
  /** `host[:port]` of the request to the Worker, which never fetches from itself. */
  readonly ownHost: string;
  /**
   * If set, the only allowed hosts, as a url spells them: names, or `*.example.com` for all names
   * below it.
   */
  readonly allowedHosts?: readonly string[] | undefined;
}

/**
 * Parses the url of an image and refuses targets that a Worker on the open internet must not fetch.
 *
 * `fetch` in a Worker cannot pin an address, so a name that resolves to a private address is not
 * recognized here. That risk remains; a list of allowed hosts removes it.
 *
 * @throws ProblemError `invalid_url` if it is not a plain absolute http(s) url, `blocked_target` if it
 *   does not lead to a public web server
 */
export function guardUrl(raw: string, rules: GuardRules): URL {
  const url = parseWebUrl(raw, rules.maxUrlLength);
  if (!isAllowedTarget(url, rules)) throw blockedTarget();
  return url;
}

/**
 * Resolves the `Location` of a redirect as a browser does, and checks where it leads. The caller's own
 * url was valid, so no error here is an `invalid_url`.
 *
 * @throws ProblemError `fetch_failed` if it is not a url or too long, `blocked_target` if it must not be
 *   followed
 */
export function guardRedirect(location: string, from: URL, rules: GuardRules): URL {
  // The runtime replaces bytes that are not UTF-8, and the original bytes are lost.
  if (location.includes('\uFFFD')) {
    throw redirectProblem('fetch_failed', 'an address in neither ASCII nor UTF-8');
  }
  const url = URL.parse(onceOf(location), from);
  if (!url) throw redirectProblem('fetch_failed', 'an address that is not a url');
  if (url.href.length > rules.maxUrlLength) {
    throw redirectProblem('fetch_failed', `a url of more than ${rules.maxUrlLength} characters`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw redirectProblem('blocked_target', 'something other than http or https');
  }
  if (from.protocol === 'https:' && url.protocol !== 'https:') {
    throw redirectProblem('blocked_target', 'http from https, which would lose its protection');
  }
  if (url.username || url.password) {
    throw redirectProblem('blocked_target', 'a url with a user name or password');
  }
  if (!isAllowedTarget(url, rules)) throw blockedTarget();
  return url;
}

/** Two headers of the same value arrive joined by a comma, and mean one. */
function onceOf(location: string): string {
  const half = (location.length - 2) / 2;
  const once = location.slice(0, half);
  return Number.isInteger(half) && location === `${once}, ${once}` ? once : location;
}

function redirectProblem(code: 'fetch_failed' | 'blocked_target', to: string): ProblemError {
  return new ProblemError(
    code,
    `The image's host redirects to ${to}; use the last address of the image instead.`,
  );
}

/** The same for every target, so that it does not reveal which targets exist. */
function blockedTarget(): ProblemError {
  return new ProblemError(
    'blocked_target',
    'The url and its redirects must lead to a public web server on port 80 or 443.',
  );
}

function parseWebUrl(raw: string, maxLength: number): URL {
  const complaint = rawComplaint(raw, maxLength);
  if (complaint) throw new ProblemError('invalid_url', complaint);
  const url = URL.parse(raw);
  if (!url) {
    throw new ProblemError('invalid_url', 'The url has an invalid host or port.');
  }
  if (url.username || url.password) {
    throw new ProblemError('invalid_url', 'The url must not contain a user name or password.');
  }
  return url;
}

/** Checks the raw string, since the url parser silently repairs what other parsers read differently. */
function rawComplaint(raw: string, maxLength: number): string | undefined {
  if (raw === '') return 'The query needs a url, as in /classify?url=https://example.com/cat.jpg.';
  if (raw.length > maxLength) return `The url must have at most ${maxLength} characters.`;
  if (/\p{Cc}/u.test(raw)) return 'The url must not contain control characters.';
  if (raw.includes('\\')) return 'The url must not contain a backslash; write / or %5C.';
  if (/%(?![0-9a-f]{2})/i.test(raw))
    return 'The url contains a % without two hexadecimal digits after it; percent-encode it in the query.';
  if (!/^https?:\/\//i.test(raw)) return 'The url must begin with http:// or https://.';
  return undefined;
}

function isAllowedTarget(url: URL, rules: GuardRules): boolean {
  // The parser has already normalized 127.1, 0x7f000001, full-width digits and the like.
  const host = withoutDot(url.hostname);
  if (rules.allowedHosts && !isListed(host, rules.allowedHosts)) return false;
  // The Host header may have any spelling, so it is parsed too.
  const own = URL.parse(`${url.protocol}//${rules.ownHost}`);
  const isOwn = own !== null && host === withoutDot(own.hostname);
  if (rules.allowLoopback && isLoopback(host)) {
    // Other servers of this machine have other ports.
    return !isOwn || url.port !== own.port;
  }
  if (isOwn) return false;
  if (!['', '80', '443'].includes(url.port)) return false;
  return ipaddr.isValid(unbracket(host)) ? isPublicAddress(host) : isPublicName(host);
}

/** The dot of the DNS root may be left out. */
export function withoutDot(hostname: string): string {
  return hostname.replace(/\.$/, '');
}

/** Whether a host, as a url spells it, is one of the allowed hosts. */
export function isListed(host: string, allowedHosts: readonly string[]): boolean {
  return allowedHosts.some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed,
  );
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const address = unbracket(host);
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'loopback';
}

function isPublicAddress(host: string): boolean {
  const address = ipaddr.parse(unbracket(host));
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return true;
  // Addresses outside 2000::/3 include disguised IPv4 addresses (`::7f00:1`).
  return address.match(ipaddr.IPv6.parseCIDR('2000::/3')) && !isIsatap(address);
}

/**
 * Whether an address contains an IPv4 address after a network's prefix, to which a router may tunnel.
 *
 * @see RFC 5214, 6.1
 */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  const [flags = 0, marker] = parts.slice(4);
  // The universal and the group bit may have any value.
  return (flags & ~0x0300) === 0 && marker === 0x5efe;
}

/** As the url parser spells them; built when the first name is checked. */
let publicSuffixes: ReadonlySet<string> | undefined;

/**
 * Whether a name ends in a top-level domain of the public DNS. Private names of networks (`.local`,
 * `.svc`, `.consul` and the like) do not.
 */
function isPublicName(host: string): boolean {
  publicSuffixes ??= new Set(topLevelDomains.map(toAscii));
  const labels = host.split('.');
  const suffix = labels.at(-1) ?? '';
  if (labels.length < 2 || labels.includes('')) return false;
  // `arpa` is public but not for websites: it contains `home.arpa` and the names of addresses.
  return suffix !== 'arpa' && publicSuffixes.has(suffix);
}

/** Other alphabets in Punycode. */
function toAscii(name: string): string {
  return /^[a-z]+$/.test(name) ? name : new URL(`http://${name}`).hostname;
}

/** `[::1]` to `::1`. */
function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
