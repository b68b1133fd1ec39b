import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';

/** An odd response of a host to a request for an image, by the path below `/odd/`. */
export interface OddResponse {
  readonly status?: number;
  /** Names and values alternate, as they are sent. */
  readonly headers?: readonly string[];
  readonly body?: Buffer;
}

/** One character per byte, as Node sends headers. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const coded = (coding: string, body: Buffer): OddResponse => ({
  headers: ['content-encoding', coding],
  body,
});

const redirect = (location: string, status = 302): OddResponse => ({
  status,
  headers: ['location', location],
});

/** Responses that deliver the image anyway, as in a browser. */
export function goodOddResponses(image: Buffer): ReadonlyMap<string, OddResponse> {
  return new Map<string, OddResponse>([
    ['gzip', coded('gzip', gzipSync(image))],
    ['upper-case-gzip', coded('GZIP', gzipSync(image))],
    ['x-gzip', coded('x-gzip', gzipSync(image))],
    ['upper-case-x-gzip', coded('X-GZip', gzipSync(image))],
    ['gzip-twice', coded('gzip, gzip', gzipSync(gzipSync(image)))],
    ['deflate', coded('deflate', deflateSync(image))],
    ['upper-case-deflate', coded('Deflate', deflateSync(image))],
    ['raw-deflate', coded('deflate', deflateRawSync(image))],
    ['stored-deflate', coded('deflate', deflateSync(image, { level: 0 }))],
    ['deflate-then-gzip', coded('deflate, gzip', gzipSync(deflateSync(image)))],
    ['brotli', coded('br', brotliCompressSync(image))],
    ['identity', coded('identity', image)],
    ['identity-gzip', coded('identity, gzip', gzipSync(image))],
    ['binary', coded('binary', image)],
    ['charset', coded('utf-8', image)],
    ['no-coding', coded('', image)],
    ['multiple-choices', { status: 300, body: image }],
    [
      'partial',
      {
        status: 206,
        headers: ['content-range', `bytes 0-${image.length - 1}/${image.length}`],
        body: image,
      },
    ],
    ['to-percent', redirect('/odd/100%.jpg')],
    ['100%.jpg', { body: image }],
    ['to-half-escape', redirect('/odd/%2')],
    ['%2', { body: image }],
    ['to-question', redirect('/odd/plain?size=50%&x=%zz')],
    ['to-long', redirect(`/odd/plain?token=${'A'.repeat(2600)}`)],
    ['to-longest', redirect(`/odd/plain?token=${'A'.repeat(8000)}`)],
    ['to-long-permanently', redirect(`/odd/plain?${'a=b&'.repeat(1500)}`, 308)],
    [
      'to-same-twice',
      { status: 302, headers: ['location', '/odd/plain', 'location', '/odd/plain'] },
    ],
    ['to-utf-8', redirect(bytesOf('/odd/café.jpg'))],
    ['caf%C3%A9.jpg', { body: image }],
    ['to-spaces', redirect('  /odd/a b.jpg  ')],
    ['a%20b.jpg', { body: image }],
    ['plain', { body: image }],
  ]);
}

/** Responses that end in a problem, and a part of its detail. */
export const badOddResponses: ReadonlyMap<string, OddResponse & { readonly says: string }> =
  new Map(
    Object.entries({
      zstd: { ...coded('zstd', zstdCompressSync(Buffer.alloc(99))), says: 'encoding zstd' },
      'upper-case-br': {
        ...coded('BR', brotliCompressSync(Buffer.alloc(99))),
        says: 'encoding br',
      },
      compress: { ...coded('compress', Buffer.alloc(99)), says: 'encoding compress' },
      dictionary: { ...coded('dcz', Buffer.alloc(99)), says: 'encoding dcz' },
      'gzip-in-zstd': { ...coded('gzip, zstd', Buffer.alloc(99)), says: 'encoding zstd' },
      'many-times': { ...coded('gzip,gzip,gzip', Buffer.alloc(99)), says: 'gzip,gzip,gzip' },
      'no-gzip': { ...coded('gzip', Buffer.alloc(99, 'x')), says: 'Content-Encoding' },
      'no-x-gzip': { ...coded('x-gzip', Buffer.alloc(99, 'x')), says: 'Content-Encoding' },
      'no-deflate': { ...coded('deflate', Buffer.alloc(99, 0xff)), says: 'Content-Encoding' },
      'half-gzip': {
        ...coded('x-gzip', gzipSync(Buffer.alloc(9999)).subarray(0, 30)),
        says: 'broke off',
      },
      'half-deflate': {
        ...coded('deflate', deflateSync(Buffer.alloc(9999)).subarray(0, 20)),
        says: 'broke off',
      },
      'to-too-long': { ...redirect(`/odd/plain?${'A'.repeat(8200)}`), says: '8192 characters' },
      'to-latin-1': { ...redirect('/odd/caf\xe9.jpg'), says: 'UTF-8' },
      'to-no-url': { ...redirect('http://:80/'), says: 'not a url' },
      'to-mail': { ...redirect('mailto:a@example.com'), says: 'http or https' },
      'to-user': { ...redirect('//user:password@example.com/'), says: 'user name' },
      'to-nothing': { ...redirect(''), says: 'without a Location' },
      'to-meta': {
        headers: ['content-type', 'text/html'],
        body: Buffer.from('<meta http-equiv=refresh content="0;url=/odd/plain">'),
        says: 'not a JPEG',
      },
      nothing: { status: 204, says: 'empty body' },
    }),
  );

/** Hosts that respond only to requests with certain headers. */
const picky: Readonly<Record<string, (headers: IncomingHttpHeaders) => boolean>> = {
  'who-asks-for-a-url': (headers) => /https?:\/\/\S+/.test(headers['user-agent'] ?? ''),
  'who-asks-for-a-name': (headers) => /^[\w-]+\/\d/.test(headers['user-agent'] ?? ''),
  'who-refuses-false-browsers': (headers) => !/mozilla/i.test(headers['user-agent'] ?? 'mozilla'),
  'who-wants-any-type': (headers) => headers.accept?.includes('*/*') ?? false,
  'who-wants-images': (headers) => headers.accept?.includes('image/') ?? false,
};

export const pickyNames = Object.keys(picky);

/** The image for requests with the right headers, 403 for others. */
export function pickyResponse(
  name: string,
  { headers }: IncomingMessage,
  image: Buffer,
): OddResponse | undefined {
  const isPleased = picky[name];
  if (!isPleased) return undefined;
  return isPleased(headers) ? { body: image } : { status: 403, body: Buffer.from('no') };
}
