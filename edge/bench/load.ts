/**
 * A bounded load on loopback: `pnpm --filter edge load [requests]`, 20,000 if not said. Memory and
 * tensors must stay as they were, no request may fail, and a dead image host must slow nobody.
 * Every second request is for a picture that is new to the cache. The last line is JSON.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import autocannon, { type Result } from 'autocannon';
import sharp from 'sharp';
import { createTestHarness } from 'wrangler';
import { watchWorkerd } from './process-memory.ts';

const total = Number(process.argv[2] ?? 20_000);
const connections = 8;
/** Requests that wait for a host that never answers. */
const waiting = 50;

const photo = await sharp(fileURLToPath(new URL('../test/fixtures/chelsea.png', import.meta.url)))
  .resize(320)
  .jpeg()
  .toBuffer();
const host = createServer((request, response) => {
  if (!request.url?.startsWith('/dead')) response.end(photo);
});
await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
const photoUrl = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;

const server = createTestHarness({
  root: fileURLToPath(new URL('.', import.meta.url)),
  workers: [{ configPath: 'wrangler.jsonc', vars: { ALLOW_LOOPBACK: '1' } }],
});
const { url } = await server.listen();
try {
  await load(Math.ceil(total / 20));
  const memory = watchWorkerd();
  const tensors = await countTensors();
  const before = memory.resident();
  const parts: Result[] = [];
  const residentMb: number[] = [];
  for (let part = 0; part < 10; part++) {
    parts.push(await load(Math.ceil(total / 10)));
    residentMb.push(toMb(memory.resident()));
    console.log(
      `${(part + 1) * 10} %: p50 ${parts.at(-1)?.latency.p50} ms, ${residentMb.at(-1)} MB`,
    );
  }
  const tensorsAfter = await countTensors();
  const alone = await load(Math.ceil(total / 20));
  const dead = Array.from({ length: waiting }, (_, i) => ask(`${photoUrl}/dead?${i}`));
  const besideDead = await load(Math.ceil(total / 20));
  const codes = await Promise.all(dead);

  const errors = [...parts, alone, besideDead].reduce(
    (sum, { errors, timeouts, non2xx }) => sum + errors + timeouts + non2xx,
    0,
  );
  const summary = {
    requests: parts.reduce((sum, { requests }) => sum + requests.total, 0),
    errors,
    p50_ms: median(parts.map(({ latency }) => latency.p50)),
    p99_ms: median(parts.map(({ latency }) => latency.p99)),
    resident_mb: [toMb(before), ...residentMb],
    tensors: [tensors, tensorsAfter],
    p50_ms_alone: alone.latency.p50,
    p50_ms_beside_dead_host: besideDead.latency.p50,
    p99_ms_alone: alone.latency.p99,
    p99_ms_beside_dead_host: besideDead.latency.p99,
    dead_host_answers: [...new Set(codes)],
  };
  console.log(JSON.stringify(summary));
  if (errors > 0 || tensors !== tensorsAfter) process.exitCode = 1;
} finally {
  await server.close();
  host.closeAllConnections();
  host.close();
}

/** Every second picture is one that was asked for before. */
function load(amount: number): Promise<Result> {
  let asked = 0;
  return autocannon({
    url: url.origin,
    amount,
    connections,
    timeout: 60,
    requests: [
      {
        setupRequest: (request) => {
          asked += 1;
          const name = asked % 2 === 0 ? 'same' : crypto.randomUUID();
          return { ...request, path: classifyPath(`${photoUrl}/${name}`) };
        },
      },
    ],
  });
}

function classifyPath(picture: string): string {
  return `/classify?${new URLSearchParams({ url: picture })}`;
}

async function ask(picture: string): Promise<number> {
  const response = await fetch(new URL(classifyPath(picture), url));
  await response.text();
  return response.status;
}

async function countTensors(): Promise<number> {
  const response = await fetch(new URL('/tensors', url));
  return Number(await response.text());
}

function toMb(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
