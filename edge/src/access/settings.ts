import type { Env } from '../env.ts';
import { ProblemError } from '../problem.ts';

/** The Worker's variables, checked and taken apart. */
export interface Settings {
  readonly allowLoopback: boolean;
  /** Names as the url parser spells them, some with `*.` before them; undefined for any host. */
  readonly allowedHosts: readonly string[] | undefined;
  /** In lower case; undefined where no key is asked for. */
  readonly keyHashes: readonly string[] | undefined;
  readonly signingKey: string | undefined;
  readonly contact: string | undefined;
}

/**
 * Reads what decides who may have what fetched. A variable that lets callers or hosts in and is
 * empty is a mistake: taking it for unset would open the service, so that nobody is answered until
 * it is mended.
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

/** Origins that CORS_ORIGINS names, or `*`. @throws ProblemError `misconfigured` */
export function readCorsOrigins(env: Env): readonly string[] {
  if (isBlank(env.CORS_ORIGINS)) return [];
  return (readList(env, 'CORS_ORIGINS') ?? []).map((listed) => {
    const url = URL.parse(listed);
    const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
    if (listed === '*') return listed;
    // A slash at the end does no harm; a path would never match.
    if (isOrigin) return url.origin;
    throw misconfigured(
      'CORS_ORIGINS',
      'must be a list with commas of origins such as https://example.com, or *',
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
    `This service's variable ${name} ${must}; its owner has to set it anew or to remove it.`,
  );
}

/** In a configuration file a variable may be of any JSON type. */
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

/** @returns the name as the host of a url is spelled: lower case, other alphabets in Punycode */
function readHostPattern(pattern: string): string {
  const [, wildcard = '', name = ''] = /^(\*\.)?(.*)$/.exec(pattern) ?? [];
  const host = URL.parse(`http://${name}:1/`);
  // More than a name, as with a scheme, a port or a path, is none.
  if (host && name && host.href === `http://${host.hostname}:1/` && !host.hostname.includes('*')) {
    return wildcard + host.hostname.replace(/\.$/, '');
  }
  throw misconfigured(
    'ALLOWED_HOSTS',
    'must be a list with commas of host names such as img.example.com or *.example.org',
  );
}

function readKeyHash(hash: string): string {
  if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase();
  throw misconfigured(
    'API_KEY_HASHES',
    'must be a list with commas of SHA-256 hashes, each of 64 hexadecimal digits and nothing else',
  );
}

/** What may stand in a header's comment. @see RFC 9110, 5.6.5 */
function readContact(env: Env): string | undefined {
  if (isBlank(env.CONTACT)) return undefined;
  const contact = readText(env, 'CONTACT')?.trim();
  if (contact === undefined || /^(?=.*(?:@|https?:\/\/))[!-'*-[\]-~]{3,200}$/.test(contact)) {
    return contact;
  }
  throw misconfigured('CONTACT', 'must be one url or e-mail address of at most 200 characters');
}
