import { ProblemError } from '../problem.ts';
import type { Settings } from './settings.ts';
import { sha256Hex } from './sha256-hex.ts';

/** On whose behalf an image is classified. */
export interface Caller {
  /** SHA-256 of the API key; each key has cached responses of its own. */
  readonly keyHash?: string;
  /** When the signature that let the request in expires, in seconds since 1970. */
  readonly signedUntil?: number;
}

/** The credentials in a request. */
export interface Credentials {
  /** The Authorization header. */
  readonly authorization: string | undefined;
  readonly url: string | undefined;
  readonly expires: string | undefined;
  readonly signature: string | undefined;
}

/**
 * Without key hashes and a signing key, everyone is admitted. With either or both of them, a request
 * needs an API key or a signed url.
 *
 * @throws ProblemError `unauthorized` for a missing or wrong key, `blocked_target` for a wrong or
 *   expired signature
 */
export async function identifyCaller(
  credentials: Credentials,
  { keyHashes: hashes, signingKey }: Pick<Settings, 'keyHashes' | 'signingKey'>,
): Promise<Caller> {
  if (hashes === undefined && signingKey === undefined) return {};
  const key = /^Bearer +(\S+)$/i.exec(credentials.authorization ?? '')?.[1];
  if (hashes !== undefined && key !== undefined) {
    const keyHash = await sha256Hex(key);
    if (isListed(keyHash, hashes)) return { keyHash };
  } else if (signingKey !== undefined && credentials.signature !== undefined) {
    return { signedUntil: await verifySignature(credentials, signingKey) };
  }
  throw new ProblemError(
    'unauthorized',
    'This service needs an API key, in the header "Authorization: Bearer <key>", or a signed url.',
    { headers: { 'www-authenticate': 'Bearer' } },
  );
}

/**
 * Lets in who has an API key, also where the rest of the service is open.
 *
 * @param what needs it, in the plural
 * @returns the key's hash
 * @throws ProblemError `misconfigured` where the service has no keys, `unauthorized`
 */
export function requireKey(
  { keyHash }: Caller,
  { keyHashes }: Pick<Settings, 'keyHashes'>,
  what: string,
): string {
  if (keyHash !== undefined) return keyHash;
  if (keyHashes === undefined) {
    throw new ProblemError(
      'misconfigured',
      `${what} need API keys, and this service has none; its operator must set API_KEY_HASHES.`,
    );
  }
  throw new ProblemError('unauthorized', `${what} need an API key; a signed url does not do.`);
}

/** Compares the whole list and every digit, so that the time it takes reveals nothing. */
function isListed(keyHash: string, hashes: readonly string[]): boolean {
  const encoder = new TextEncoder();
  const presented = encoder.encode(keyHash);
  let found = false;
  for (const hash of hashes) {
    const listed = encoder.encode(hash);
    if (listed.length === presented.length && crypto.subtle.timingSafeEqual(listed, presented)) {
      found = true;
    }
  }
  return found;
}

/**
 * Checks a signature: the HMAC-SHA256, in hexadecimal, of `expires`, a line feed and `url`.
 *
 * @returns when it expires, in seconds since 1970
 */
async function verifySignature(credentials: Credentials, secret: string): Promise<number> {
  const { url = '', expires = '', signature = '' } = credentials;
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, [
    'verify',
  ]);
  const message = encoder.encode(`${expires}\n${url}`);
  // `verify` compares in constant time.
  const isGenuine = await crypto.subtle.verify('HMAC', key, fromHex(signature), message);
  const isCurrent = /^\d{1,12}$/.test(expires) && Number(expires) * 1000 > Date.now();
  if (isGenuine && isCurrent) return Number(expires);
  throw new ProblemError(
    'blocked_target',
    'The signature does not match the url or has expired; ask for a new link.',
  );
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return /^[0-9a-f]{64}$/i.test(text) ? Uint8Array.fromHex(text) : new Uint8Array();
}
