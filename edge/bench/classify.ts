/**
 * What `/classify` costs beside the bare inference, and how large the Worker is:
 * `pnpm --filter edge bench`. The last line is JSON.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { createTestHarness } from 'wrangler';
import { measureBundle } from './bundle-size.ts';
import type { Timings } from './timings.ts';

const rounds = 30;
const batch = 5;

const chelsea = fileURLToPath(new URL('../test/fixtures/chelsea.png', import.meta.url));
const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
const host = createServer((_, response) => response.end(photo));
await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/photo.jpg`;

const server = createTestHarness({
  root: fileURLToPath(new URL('.', import.meta.url)),
  workers: [{ configPath: 'wrangler.jsonc', vars: { ALLOW_LOOPBACK: '1' } }],
});
await server.listen();
try {
  await time({ rounds: 4 });
  const timings = await time({ rounds });
  const clientMs = await timeFromOutside();
  const stagesMs = Object.fromEntries(
    Object.entries(timings.stagesMs).map(([stage, values]) => [stage, round(median(values))]),
  );
  const bareMs = median(timings.bareMs);
  const endToEndMs = median(timings.endToEndMs);
  const busyMs = median(timings.busyMs);
  const fetchMs = median(timings.fetchMs);
  const bundle = await measureBundle();

  console.log(`photo               ${photo.length} bytes, 500 pixels wide`);
  console.log(`bare inference      ${bareMs.toFixed(1)} ms`);
  console.log(`/classify           ${endToEndMs.toFixed(1)} ms in the isolate`);
  for (const [stage, ms] of Object.entries(stagesMs)) {
    console.log(`  ${stage.padEnd(18)}${ms.toFixed(1)} ms`);
  }
  console.log(`  bare fetch        ${fetchMs.toFixed(1)} ms`);
  console.log(`/classify           ${busyMs.toFixed(1)} ms in the isolate, waiting for no picture`);
  console.log(`/classify           ${clientMs.toFixed(1)} ms for a client on this machine`);
  console.log(`Worker              ${bundle.gzipKib.toFixed(0)} KiB gzipped, without models`);
  console.log(
    JSON.stringify({
      ratio_bare_inference: round(bareMs / endToEndMs),
      ratio_bare_inference_busy: round(bareMs / busyMs),
      bare_ms: round(bareMs),
      bare_fetch_ms: round(fetchMs),
      end_to_end_ms: round(endToEndMs),
      busy_ms: round(busyMs),
      stages_ms: stagesMs,
      client_ms: round(clientMs),
      worker_gzip_kib: round(bundle.gzipKib),
    }),
  );
} finally {
  await server.close();
  host.close();
}

async function time(options: { rounds: number }): Promise<Timings> {
  const query = new URLSearchParams({ url, batch: `${batch}`, rounds: `${options.rounds}` });
  const response = await server.fetch(`/bench?${query}`);
  if (!response.ok) throw new Error(`The bench answered with ${await response.text()}`);
  return (await response.json()) as Timings;
}

/** Through wrangler's local proxy, which a deployed Worker has not. */
async function timeFromOutside(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    const response = await server.fetch(`/classify?${new URLSearchParams({ url })}`);
    await response.text();
    times.push(performance.now() - start);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
