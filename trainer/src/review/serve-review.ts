import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { verdict } from '../datasets/decisions/decisions.ts';
import { TrainerError } from '../errors.ts';
import {
  isForThisMachine,
  LOCAL_HEADERS,
  type LocalServer,
  serveLocally,
} from '../report/live/serve-locally.ts';
import { largeImageOf, mapImageOf, thumbnailOf } from './page-images.ts';
import type { ReviewSession } from './session.ts';

const MAX_BODY_BYTES = 10_000;

const HEADERS = {
  ...LOCAL_HEADERS,
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

const FILES: Readonly<Record<string, readonly [file: URL, type: string]>> = {
  '': [new URL('page/review.html', import.meta.url), 'text/html; charset=utf-8'],
  'review.js': [new URL('page/review.js', import.meta.url), 'text/javascript; charset=utf-8'],
  'virtual-list.js': [
    new URL('page/virtual-list.js', import.meta.url),
    'text/javascript; charset=utf-8',
  ],
  'theme.css': [new URL('../report/theme.css', import.meta.url), 'text/css; charset=utf-8'],
  'review.css': [new URL('page/review.css', import.meta.url), 'text/css; charset=utf-8'],
};

const request = z.strictObject({ image: z.int().nonnegative(), verdict: verdict.nullable() });

/**
 * Serves the page of a review to this machine. All paths begin with a random token, so that no other page or
 * program of this machine can guess them, and requests of other hosts and origins are refused.
 *
 * @param port 0 for any that is free
 * @throws TrainerError `config_invalid` for a port that is taken
 */
export async function serveReview(session: ReviewSession, port: number): Promise<LocalServer> {
  const token = randomBytes(16).toString('hex');
  const { url, close } = await serveLocally(listener(session, `/${token}/`), port);
  return { url: `${url}${token}/`, close };
}

function listener(session: ReviewSession, root: string): RequestListener {
  return (incoming, response) => {
    const { method, url = '' } = incoming;
    // A page of another name that resolves to this machine, or of another origin, must not read or decide.
    if (!isOurs(incoming)) return void response.writeHead(403, HEADERS).end();
    if (!url.startsWith(root)) return void response.writeHead(404, HEADERS).end();
    const path = url.slice(root.length);
    const work =
      method === 'POST' && path === 'decide'
        ? decide(session, incoming, response)
        : method === 'GET'
          ? answer(session, path, response)
          : Promise.resolve(void response.writeHead(405, HEADERS).end());
    work.catch((error: Error) => {
      if (!response.headersSent) {
        response.writeHead(error instanceof TrainerError ? 400 : 500, {
          ...HEADERS,
          'content-type': 'text/plain; charset=utf-8',
        });
      }
      response.end(error.message);
    });
  };
}

function isOurs(incoming: IncomingMessage): boolean {
  const { host, origin } = incoming.headers;
  return isForThisMachine(incoming) && (origin === undefined || origin === `http://${host}`);
}

async function answer(
  session: ReviewSession,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const send = (body: string | Uint8Array, type: string, caching = {}) =>
    void response.writeHead(200, { ...HEADERS, ...caching, 'content-type': type }).end(body);
  const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (file) return send(await readFile(fileURLToPath(file[0])), file[1]);
  if (path === 'data.json') {
    return send(JSON.stringify(session.data()), 'application/json; charset=utf-8');
  }
  const [, kind, index] = /^(thumbnail|image|map)\/(\d{1,9})$/.exec(path) ?? [];
  const image = index === undefined ? undefined : session.image(Number(index));
  const map = kind === 'map' ? session.mapOf(Number(index)) : undefined;
  if (!image || (kind === 'map' && !map)) return void response.writeHead(404, HEADERS).end();
  const body = await (map
    ? mapImageOf(image, map)
    : kind === 'image'
      ? largeImageOf(image)
      : thumbnailOf(image));
  // A token is of one session, in which the same number is the same image.
  send(body, 'image/webp', { 'cache-control': 'private, max-age=86400' });
}

async function decide(
  session: ReviewSession,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parsed = request.safeParse(JSON.parse(await readBody(incoming)));
  if (!parsed.success) throw refused(`an image and a verdict: ${parsed.error.issues[0]?.message}`);
  const before = await session.decide(parsed.data.image, parsed.data.verdict);
  response
    .writeHead(200, { ...HEADERS, 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify({ before }));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw refused(`at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(expected: string): TrainerError {
  return new TrainerError('config_invalid', `Expected ${expected}.`);
}
