import type { Env } from '../env.ts';
import { ProblemError } from '../problem.ts';

/** The Worker's variables, checked and parsed. */
export interface Settings {
  readonly allowLoopback: boolean;
  /** Names as the url parser spells them, some with a leading `*.`; undefined allows any host. */
  readonly allowedHosts: readonly string[] | undefined;
  /** In lower case; undefined where no key is needed. */
  readonly keyHashes: readonly string[] | undefined;
  readonly signingKey: string | undefined;
  readonly contact: string | undefined;
}

/**
 * Reads the variables that decide who may have which images fetched. An empty variable that restricts
 * callers or hosts is a mistake: if it counted as unset, the service would be open to everyone.
 * Therefore every request is refused until the variable is corrected.
 *
 * @throws ProblemError `misconfigured`
 */
export function readSettings(env: Env): Settings {
  return {
    allowLoopback: readSwitch(env, 'ALLOW_LOOPBACK'),
    allowedHosts: readList(env, 'ALLOWED_HOSTS')?.map(readHostPattern),
    keyHashes: readList(env, 'API_KEY_HASHES')?.map(readKeyHash),
    signingKey: readText(env, 'URL_SIGNING_KEY'),
    contact: readContact(env),
  };
}

/** The origins in CORS_ORIGINS, or `*`. @throws ProblemError `misconfigured` */
export function readCorsOrigins(env: Env): readonly string[] {
  if (isBlank(env.CORS_ORIGINS)) return [];
  return (readList(env, 'CORS_ORIGINS') ?? []).map((listed) => {
    const url = URL.parse(listed);
    const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
    if (listed === '*') return listed;
    // A trailing slash is harmless; a path would never match.
    if (isOrigin) return url.origin;
    throw misconfigured(
      'CORS_ORIGINS',
      'must be * or a comma-separated list of origins such as https://example.com',
    );
  });
}

type Variable =
  | 'ALLOW_LOOPBACK'
  | 'ALLOWED_HOSTS'
  | 'API_KEY_HASHES'
  | 'CONTACT'
  | 'CORS_ORIGINS'
  | 'URL_SIGNING_KEY';

function misconfigured(name: Variable, must: string): ProblemError {
  return new ProblemError(
    'misconfigured',
    `The variable ${name} of this service ${must}; its operator must correct or remove it.`,
  );
}

/** In a configuration file, a variable may have any JSON type. */
function readText(env: Env, name: Variable): string | undefined {
  const value: unknown = env[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw misconfigured(name, 'must be text');
  if (value.trim() === '') throw misconfigured(name, 'is empty');
  return value;
}

function isBlank(value: unknown): boolean {
  return typeof value === 'string' && value.trim() === '';
}

function readList(env: Env, name: Variable): string[] | undefined {
  const parts = readText(env, name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts?.length === 0) throw misconfigured(name, 'is empty');
  return parts;
}

function readSwitch(env: Env, name: Variable): boolean {
  const value: unknown = env[name];
  if (value === undefined || value === '0' || isBlank(value)) return false;
  if (value === '1') return true;
  throw misconfigured(name, 'must be 1 or 0');
}

/** @returns the name as the url parser spells a host: lower case, other alphabets in Punycode */
function readHostPattern(pattern: string): string {
  const [, wildcard = '', name = ''] = /^(\*\.)?(.*)$/.exec(pattern) ?? [];
  const host = URL.parse(`http://${name}:1/`);
  // A name with a scheme, a port or a path is not a host name.
  if (host && name && host.href === `http://${host.hostname}:1/` && !host.hostname.includes('*')) {
    return wildcard + host.hostname.replace(/\.$/, '');
  }
  throw misconfigured(
    'ALLOWED_HOSTS',
    'must be a comma-separated list of host names such as img.example.com or *.example.org',
  );
}

function readKeyHash(hash: string): string {
  if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase();
  throw misconfigured(
    'API_KEY_HASHES',
    'must be a comma-separated list of SHA-256 hashes, each of 64 hexadecimal digits',
  );
}

/** The contact is sent in a comment of a header. @see RFC 9110, 5.6.5 */
function readContact(env: Env): string | undefined {
  if (isBlank(env.CONTACT)) return undefined;
  const contact = readText(env, 'CONTACT')?.trim();
  if (contact === undefined || /^(?=.*(?:@|https?:\/\/))[!-'*-[\]-~]{3,200}$/.test(contact)) {
    return contact;
  }
  throw misconfigured('CONTACT', 'must be one url or e-mail address of at most 200 characters');
}
