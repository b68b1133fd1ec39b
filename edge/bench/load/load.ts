/**
 * Sends a bounded load on loopback: `pnpm --filter edge load [requests]`, 20,000 by default. Memory and
 * tensors must not grow, no request may fail, and a dead image host must not slow down other requests.
 * Each request does all the work, without the cache. The last line is JSON.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import autocannon, { type Result } from 'autocannon';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { startBareWorkerd } from '../bare-workerd.ts';
import { median } from '../measuring/median.ts';
import { watchWorkerd } from '../measuring/process-use.ts';

const total = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 20_000);
const connections = 8;
/** Requests that wait for a host that never responds. */
const waiting = 50;
const parts = 10;
/**
 * The allowed growth of memory in the second half, in 10^6 bytes. In the first half, V8 grows freely, since
 * bare workerd has no limit of 128 MB.
 */
const maxGrowthMb = 30;

const photo = await sharp(
  fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url)),
)
  .jpeg({ quality: 90 })
  .toBuffer();
const host = createServer((request, response) => {
  if (request.url !== '/dead') response.end(photo);
});
await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
const photos = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;

const worker = await startBareWorkerd();
try {
  await load(total / 20);
  const tensors = await countTensors();
  const memory = watchWorkerd();
  const results: Result[] = [];
  const residentMb: number[] = [];
  for (let part = 1; part <= parts; part++) {
    const result = await load(total / parts);
    results.push(result);
    residentMb.push(Math.round(memory.resident() / 1e6));
    console.log(`${part * 10} %: p50 ${result.latency.p50} ms, ${residentMb.at(-1)} MB`);
  }
  const tensorsAfter = await countTensors();

  const alone = await load(total / 20);
  const dead = Array.from({ length: waiting }, async () => (await classify('dead')).status);
  const besideDead = await load(total / 20);
  const deadResponses = [...new Set(await Promise.all(dead))];

  const failed = [...results, alone, besideDead].reduce(
    (sum, { errors, timeouts, non2xx }) => sum + errors + timeouts + non2xx,
    0,
  );
  const growthMb = (residentMb.at(-1) ?? 0) - (residentMb[parts / 2] ?? 0);
  await reportFigures('edge load', {
    requests: results.reduce((sum, { requests }) => sum + requests.total, 0),
    failed,
    connections,
    p50_ms: median(results.map(({ latency }) => latency.p50)),
    p99_ms: median(results.map(({ latency }) => latency.p99)),
    resident_mb: residentMb,
    tensors: [tensors, tensorsAfter],
    p50_ms_alone: alone.latency.p50,
    p50_ms_beside_dead_host: besideDead.latency.p50,
    p99_ms_alone: alone.latency.p99,
    p99_ms_beside_dead_host: besideDead.latency.p99,
    dead_host_responses: deadResponses,
  });
  if (failed > 0 || tensors !== tensorsAfter || growthMb > maxGrowthMb) process.exitCode = 1;
} finally {
  await worker.close();
  host.closeAllConnections();
  host.close();
}

function classifyUrl(image: string): URL {
  const query = new URLSearchParams({ url: `${photos}/${image}`, model: 'cifar10' });
  return new URL(`/classify?${query}`, worker.origin);
}

function classify(image: string): Promise<Response> {
  return fetch(classifyUrl(image), { headers: { 'cache-control': 'no-store' } });
}

function load(amount: number): Promise<Result> {
  return autocannon({
    url: classifyUrl('photo.jpg').href,
    headers: { 'cache-control': 'no-store' },
    amount: Math.ceil(amount),
    connections,
    timeout: 60,
  });
}

async function countTensors(): Promise<number> {
  return Number(await (await fetch(new URL('/tensors', worker.origin))).text());
}
