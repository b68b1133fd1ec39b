/**
 * The query of a signed url, whose signature equals that of
 * `printf '%s\n%s' "$expires" "$url" | openssl dgst -sha256 -hmac "$secret"`.
 */
export async function signUrl(
  url: string,
  secret: string,
  expires = `${Math.floor(Date.now() / 1000) + 3600}`,
): Promise<{ readonly url: string; readonly expires: string; readonly signature: string }> {
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, [
    'sign',
  ]);
  const bytes = await crypto.subtle.sign('HMAC', key, encoder.encode(`${expires}\n${url}`));
  return { url, expires, signature: new Uint8Array(bytes).toHex() };
}
