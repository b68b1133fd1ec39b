import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import type { TestProject } from 'vitest/node';

/**
 * A web server on loopback with good pictures, bad ones, and a host's usual ways to misbehave.
 * Vitest starts it before the tests, which learn its origin as `inject('photoHost')`.
 */
export default async function startPhotoHost(project: TestProject): Promise<() => void> {
  const pictures = await makePictures();
  const server = createServer((request, response) => {
    answer(request, response, pictures).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  project.provide('photoHost', `http://127.0.0.1:${port}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

type Pictures = ReadonlyMap<string, Buffer>;

/** Headers of the last request for a picture, and how many requests there were. */
let seen: { readonly headers: IncomingMessage['headers']; readonly requests: number } = {
  headers: {},
  requests: 0,
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pictures: Pictures,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://photo-host');
  if (pathname === '/seen') {
    response.end(JSON.stringify(seen));
    return;
  }
  seen = { headers: request.headers, requests: seen.requests + 1 };
  const bytes = Number(searchParams.get('bytes'));
  const photo = pictures.get('chelsea.jpg') as Buffer;
  switch (pathname) {
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
      response.writeHead(Number(searchParams.get('code'))).end('no picture');
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
    case '/padded':
      // A JPEG decoder stops at the end marker, so the file stays a good one at any length.
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
      const picture = pictures.get(pathname.slice(1));
      response.writeHead(picture ? 200 : 404).end(picture);
    }
  }
}

/** Sends zeros until the receiver hangs up, or `bytes` are sent. */
async function writeForever(response: ServerResponse, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(65_536);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
}

async function makePictures(): Promise<Pictures> {
  const names = ['chelsea', 'chelsea-224', 'coffee', 'coffee-224', 'rocket', 'rocket-224'];
  const pictures = new Map<string, Buffer>();
  for (const name of names) {
    const file = new URL(`./fixtures/${name}.png`, import.meta.url);
    pictures.set(`${name}.png`, await readFile(file));
  }
  const chelsea = (): Sharp => sharp(pictures.get('chelsea.png'));
  const small = (): Sharp => chelsea().resize(40, 30);
  const variants: Record<string, Sharp> = {
    'chelsea.jpg': chelsea().jpeg({ quality: 90 }),
    'chelsea.webp': chelsea().webp({ quality: 90 }),
    'progressive.jpg': chelsea().jpeg({ quality: 90, progressive: true }),
    'grey.jpg': chelsea().greyscale().jpeg(),
    'cmyk.jpg': chelsea().toColourspace('cmyk').jpeg({ quality: 90 }),
    'grey.png': chelsea().greyscale().png(),
    '16-bit.png': chelsea().toColourspace('rgb16').png(),
    'interlaced.png': chelsea().png({ progressive: true }),
    'palette.png': chelsea().png({ palette: true }),
    'lossless.webp': chelsea().webp({ lossless: true }),
    'tiny.png': sharp({ create: { width: 1, height: 1, channels: 3, background: '#888' } }).png(),
    'picture.gif': small().gif(),
    'picture.tiff': small().tiff(),
    'picture.avif': small().avif({ effort: 0 }),
  };
  // Half transparent red, and wholly transparent black, that must come out pink and white.
  const glass = { width: 2, height: 1, channels: 4 as const };
  const glassPixels = Uint8Array.of(255, 0, 0, 128, 0, 0, 0, 0);
  variants['alpha.png'] = sharp(glassPixels, { raw: glass }).png();
  variants['alpha.webp'] = sharp(glassPixels, { raw: glass }).webp({ lossless: true, exact: true });
  for (let orientation = 1; orientation <= 8; orientation++) {
    variants[`orientation-${orientation}.jpg`] = sharp(await storedAs(orientation))
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation });
  }
  for (const [name, variant] of Object.entries(variants)) {
    pictures.set(name, await variant.toBuffer());
  }
  // What sharp, with which the trainer reads pictures, makes of the lossy ones.
  for (const name of ['chelsea.jpg', 'progressive.jpg', 'chelsea.webp']) {
    pictures.set(`${name}.rgb`, await sharp(pictures.get(name)).raw().toBuffer());
  }
  return pictures;
}

/** A red, green, blue and white picture, stored so that `orientation` turns it upright. */
async function storedAs(orientation: number): Promise<Buffer> {
  const quarter = (background: string): Promise<Buffer> =>
    sharp({ create: { width: 32, height: 16, channels: 3, background } })
      .png()
      .toBuffer();
  const upright = await sharp({
    create: { width: 64, height: 32, channels: 3, background: '#fff' },
  })
    .composite([
      { input: await quarter('#f00'), left: 0, top: 0 },
      { input: await quarter('#0f0'), left: 32, top: 0 },
      { input: await quarter('#00f'), left: 0, top: 16 },
    ])
    .png()
    .toBuffer();
  // The inverse of what EXIF's orientation asks of a viewer; sharp mirrors before it rotates.
  const inverses: Record<number, (picture: Sharp) => Sharp> = {
    2: (picture) => picture.flop(),
    3: (picture) => picture.rotate(180),
    4: (picture) => picture.flip(),
    6: (picture) => picture.rotate(270),
    8: (picture) => picture.rotate(90),
  };
  const mirrored = orientation === 5 || orientation === 7;
  const source = mirrored ? await sharp(upright).flop().png().toBuffer() : upright;
  const inverse = inverses[{ 5: 6, 7: 8 }[orientation] ?? orientation];
  return inverse ? inverse(sharp(source)).png().toBuffer() : source;
}
