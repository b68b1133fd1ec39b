import ipaddr from 'ipaddr.js';
import topLevelDomains from 'tlds';
import { ProblemError } from '../../problem.ts';

/** Which targets a request may reach. */
export interface GuardRules {
  readonly maxUrlLength: number;
  /** Lets this machine's own addresses through, on any port. For development. */
  readonly allowLoopback: boolean;
  /** `host[:port]` under which the Worker itself was reached: it never fetches from itself. */
  readonly ownHost: string;
  /**
   * When given, the only hosts allowed, as a url spells them: names, or `*.example.com` for all
   * names under it.
   */
  readonly allowedHosts?: readonly string[] | undefined;
}

/**
 * Parses the url of an image and refuses what a Worker on the open internet must not fetch.
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
 * Resolves the `Location` of a redirect as a browser does, and checks where it leads. The caller's
 * own url was fine, so nothing here is an `invalid_url`.
 *
 * @throws ProblemError `fetch_failed` for what is no url, or too long a one, `blocked_target` for
 *   one that is not followed
 */
export function guardRedirect(location: string, from: URL, rules: GuardRules): URL {
  // What the runtime makes of bytes that are no UTF-8; which ones they were is lost.
  if (location.includes('\uFFFD')) {
    throw redirectProblem('fetch_failed', 'an address that is written in neither ASCII nor UTF-8');
  }
  const url = URL.parse(onceOf(location), from);
  if (!url) throw redirectProblem('fetch_failed', 'an address that is no url');
  if (url.href.length > rules.maxUrlLength) {
    throw redirectProblem('fetch_failed', `a url of more than ${rules.maxUrlLength} characters`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw redirectProblem('blocked_target', 'something other than http or https');
  }
  if (from.protocol === 'https:' && url.protocol !== 'https:') {
    throw redirectProblem('blocked_target', 'http from https, which would give up its protection');
  }
  if (url.username || url.password) {
    throw redirectProblem('blocked_target', 'a url with a user name or password');
  }
  if (!isAllowedTarget(url, rules)) throw blockedTarget();
  return url;
}

/** Two headers of the same value arrive joined, and mean one. */
function onceOf(location: string): string {
  const half = (location.length - 2) / 2;
  const once = location.slice(0, half);
  return Number.isInteger(half) && location === `${once}, ${once}` ? once : location;
}

function redirectProblem(code: 'fetch_failed' | 'blocked_target', to: string): ProblemError {
  return new ProblemError(
    code,
    `The image's host redirects to ${to}; give the image's last address instead.`,
  );
}

/** One body for every target, so that the service tells nobody what it can reach. */
function blockedTarget(): ProblemError {
  return new ProblemError(
    'blocked_target',
    'The url must lead to a public web server on port 80 or 443, and so must its redirects.',
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
  const host = withoutDot(url.hostname);
  if (rules.allowedHosts && !isListed(host, rules.allowedHosts)) return false;
  // The request's Host header: parsed, but spelled as the client likes.
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

/** The dot of a name's root may be left out. */
function withoutDot(hostname: string): string {
  return hostname.replace(/\.$/, '');
}

/** Whether a host, as a url spells it, is one of them. */
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

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublicAddress(host: string): boolean {
  const address = ipaddr.parse(unbracket(host));
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return true;
  // Outside 2000::/3 lie, among others, IPv4 addresses in disguise (`::7f00:1`).
  return address.match(globalUnicast) && !isIsatap(address);
}

/**
 * An IPv4 address behind any network's prefix, which a router may tunnel to.
 *
 * @see RFC 5214, 6.1
 */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  const [flags = 0, marker] = parts.slice(4);
  // The bits for universal and for group may be set or not.
  return (flags & ~0x0300) === 0 && marker === 0x5efe;
}

/** As the url parser spells them; made when the first name is asked for. */
let publicSuffixes: ReadonlySet<string> | undefined;

/**
 * Whether a name ends in a top-level domain of the public DNS. Names that networks have for
 * themselves (`.local`, `.svc`, `.consul` and whatever comes next) have in common that theirs is none.
 */
function isPublicName(host: string): boolean {
  publicSuffixes ??= new Set(topLevelDomains.map(toAscii));
  const labels = host.split('.');
  const suffix = labels.at(-1) ?? '';
  if (labels.length < 2 || labels.includes('')) return false;
  // Public, but for machines: it has `home.arpa` and the names of addresses.
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
