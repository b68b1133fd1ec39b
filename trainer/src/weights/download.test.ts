import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadFile } from './download.ts';

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) >> 3));
const md5 = createHash('md5').update(content).digest('hex');
const options = { say: () => {} };

let folder: string;
let target: string;
let server: Server;
let url: string;
let ranges: (string | undefined)[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  folder = await temporaryFolder();
  target = join(folder, 'weights', 'tiny.h5');
  ranges = [];
  answer = sendRange;
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.h5`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

function sendAll(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': content.length }).end(content);
}

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  response
    .writeHead(first === undefined ? 200 : 206, {
      'content-length': content.length - start,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    })
    .end(content.subarray(start));
}

/** The first answer breaks off after some bytes. */
function breakOnce(then: typeof answer, bytes: number): typeof answer {
  return (_, response) => {
    answer = then;
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50));
  };
}

async function expectWhole(): Promise<void> {
  expect(await readFile(target)).toEqual(content);
  expect(await readdir(join(folder, 'weights'))).toEqual(['tiny.h5']);
}

test('downloads a file whole', async () => {
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
  expect(ranges).toEqual([undefined]);
});

test('goes on where the connection broke', async () => {
  answer = breakOnce(sendRange, 30_000);
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
  expect(ranges).toEqual([undefined, 'bytes=30000-']);
});

test('begins anew where the server ignores ranges', async () => {
  answer = breakOnce(sendAll, 30_000);
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
});

test('stops when told to, and goes on from there', async () => {
  const abort = new AbortController();
  const reason = new Error('Stopped.');
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 500), () => setTimeout(() => abort.abort(reason), 50));
  };
  const part = downloadFile({ url, md5 }, target, { ...options, signal: abort.signal });
  await expect(part).rejects.toBe(reason);
  answer = sendRange;
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
  expect(ranges).toEqual([undefined, 'bytes=500-']);
});

test('asks for nothing twice where only the renaming was left', async () => {
  await writePart(content);
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
  expect(ranges).toEqual([`bytes=${content.length}-`]);
});

async function writePart(bytes: Uint8Array): Promise<void> {
  await mkdir(join(folder, 'weights'));
  await writeFile(`${target}.part`, bytes);
}

test('throws away what has another hash, so that the next run can succeed', async () => {
  const wrong = downloadFile({ url, md5: '0'.repeat(32) }, target, options);
  await expect(wrong).rejects.toMatchObject({
    code: 'download_failed',
    message: `${url} could not be downloaded (expected the MD5 hash ${'0'.repeat(32)}, but it has ${md5})`,
  });
  expect(await readdir(join(folder, 'weights'))).toEqual([]);
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
});

test('throws away a part of another file', async () => {
  await writePart(Buffer.alloc(content.length + 1));
  const longer = downloadFile({ url, md5 }, target, options);
  await expect(longer).rejects.toMatchObject({ code: 'download_failed' });
  await downloadFile({ url, md5 }, target, options);
  await expectWhole();
});

test('takes a file whose publisher states no hash', async () => {
  await downloadFile({ url, md5: null }, target, options);
  await expectWhole();
});

test('says why it failed: the status', async () => {
  answer = (_, response) => response.writeHead(404).end('Not here.');
  await expect(downloadFile({ url, md5 }, target, options)).rejects.toMatchObject({
    code: 'download_failed',
    message: `${url} could not be downloaded (HTTP status 404)`,
  });
  expect(await readdir(join(folder, 'weights'))).toEqual([]);
});

test('says why it failed: no network', async () => {
  server.close();
  await expect(downloadFile({ url, md5 }, target, options)).rejects.toMatchObject({
    code: 'download_failed',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

test('keeps what it has when the connection breaks again and again', async () => {
  answer = (request, response) => {
    const [, first = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(first);
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': content.length - start,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    });
    const some = content.subarray(start, start + 10);
    response.write(some, () => setTimeout(() => response.destroy(), 50));
  };
  await expect(downloadFile({ url, md5 }, target, options)).rejects.toMatchObject({
    code: 'download_failed',
  });
  expect(ranges).toEqual([undefined, 'bytes=10-', 'bytes=20-']);
  expect(await readFile(`${target}.part`)).toEqual(content.subarray(0, 30));
});
