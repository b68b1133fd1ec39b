import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { makeBadImages } from 'shared/test/make-bad-images';
import { type Images, makeImages } from 'shared/test/make-images';
import { makePolicyImages } from 'shared/test/make-policy-images';
import type { TestProject } from 'vitest/node';
import {
  badOddResponses,
  goodOddResponses,
  type OddResponse,
  pickyNames,
  pickyResponse,
} from './odd-responses.ts';
import type { Seen } from './seen.ts';

/**
 * A web server on loopback with good and bad images that also misbehaves in the ways hosts do.
 * Vitest starts it before the tests, which learn its origin as `inject('imageHost')`.
 */
export default async function startImageHost(project: TestProject): Promise<() => void> {
  const good = await makeImages();
  const images = new Map([...good, ...makeBadImages(good), ...(await makePolicyImages())]);
  const oddGood = goodOddResponses(images.get('chelsea.jpg') as Buffer);
  const odd = new Map([...oddGood, ...badOddResponses]);
  const server = createServer((request, response) => {
    respond(request, response, images, odd).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  project.provide('imageHost', `http://127.0.0.1:${port}`);
  project.provide('oddPaths', {
    good: [...oddGood.keys()],
    bad: [...badOddResponses].map(([name, { says }]): [string, string] => [name, says]),
    picky: [...pickyNames],
  });
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

/** By what was asked for, since tests of several files run at a time. */
const seen = new Map<string, Seen>();

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  images: Images,
  odd: ReadonlyMap<string, OddResponse>,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://image-host');
  if (pathname === '/seen') {
    response.end(JSON.stringify(seen.get(searchParams.get('of') ?? '') ?? { requests: 0 }));
    return;
  }
  const path = request.url as string;
  const requests = (seen.get(path)?.requests ?? 0) + 1;
  seen.set(path, { headers: request.headers as Record<string, string>, requests });
  const bytes = Number(searchParams.get('bytes'));
  const photo = images.get('chelsea.jpg') as Buffer;
  if (pathname.startsWith('/odd/')) {
    const name = pathname.slice('/odd/'.length);
    const found = pickyResponse(name, request, photo) ?? odd.get(name) ?? { status: 404 };
    response.writeHead(found.status ?? 200, [...(found.headers ?? [])]).end(found.body);
    return;
  }
  switch (pathname) {
    case '/bomb': {
      const zlib = deflateSync(Buffer.alloc(20_000_000));
      const coding = searchParams.get('coding') ?? '';
      const isZlib = coding.startsWith('deflate');
      const body = coding === 'deflate-then-gzip' ? gzipSync(zlib) : zlib;
      const header = coding === 'deflate-then-gzip' ? 'deflate, gzip' : coding;
      response.writeHead(200, { 'content-encoding': header });
      response.end(isZlib ? body : gzipSync(Buffer.alloc(20_000_000)));
      return;
    }
    case '/redirect':
      response.writeHead(302, { location: searchParams.get('to') ?? '' }).end();
      return;
    case '/redirects': {
      const left = Number(searchParams.get('left'));
      const to = left > 1 ? `/redirects?left=${left - 1}` : '/chelsea.jpg';
      response.writeHead(301, { location: to }).end();
      return;
    }
    case '/redirect-without-location':
      response.writeHead(302).end();
      return;
    case '/status':
      response.writeHead(Number(searchParams.get('code'))).end('no image');
      return;
    case '/empty':
      response.end();
      return;
    case '/html-as-png':
      response.writeHead(200, { 'content-type': 'image/png' }).end('<!doctype html><p>Hello');
      return;
    case '/declared-length':
      response.writeHead(200, { 'content-length': bytes }).write(photo.subarray(0, 100));
      return;
    case '/short-length':
      response.writeHead(200, { 'content-length': 1000 }).end(photo);
      return;
    case '/private':
      response.writeHead(200, { 'cache-control': 'private, max-age=60' }).end(photo);
      return;
    case '/after':
      await sleep(Number(searchParams.get('ms')));
      response.end(photo);
      return;
    case '/padded':
      // A JPEG decoder stops at the end marker, so the file stays valid at any length.
      response.end(Buffer.concat([photo, Buffer.alloc(bytes - photo.length)]));
      return;
    case '/chunked':
      await writeForever(response, bytes);
      return;
    case '/gzip':
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.concat([photo, Buffer.alloc(bytes)])));
      return;
    case '/broken-off':
      response.writeHead(200, { 'content-length': photo.length });
      response.write(photo.subarray(0, 5000), () => response.destroy());
      return;
    case '/slow-headers':
      await sleep(3000);
      response.end(photo);
      return;
    case '/drip':
      for (let at = 0; at < 300 && !response.destroyed; at++) {
        response.write(photo.subarray(at, at + 1));
        await sleep(10);
      }
      response.end();
      return;
    default: {
      const image = images.get(pathname.slice(1));
      response.writeHead(image ? 200 : 404).end(image);
    }
  }
}

/** Sends zeros until the receiver disconnects or `bytes` are sent. */
async function writeForever(response: ServerResponse, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(65_536);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
}
