/**
 * Measures the effect of hostile clients on another one: `pnpm --filter edge siege`. Uploads that stop
 * after two bytes, hosts that send single bytes, and forms of 140,000 parts run at the same time as an
 * ordinary client. Its 99th percentile may double, and memory may grow by 60 MB. The last line is JSON.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon, { type Result } from 'autocannon';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { startBareWorkerd } from '../bare-workerd.ts';
import { median } from '../measuring/median.ts';
import { watchWorkerd } from '../measuring/process-use.ts';

const models = ['imagenet', 'cifar10', 'cifar10-fast'];
const maxGrowthMb = 60;
const maxSlowdown = 2;

/** A Worker with ordinary and hostile clients. */
export interface Siege {
  readonly origin: string;
  /** @returns the path of a request for an image of a host that responds at once */
  askFor(model: string): string;
  photo: Buffer;
  /** Uploads that declare 20 MB, send `bytes` of them and stop. @returns their status lines */
  uploadIdly(count: number, bytes: number): Promise<string>[];
  /** Requests for images that arrive byte by byte. @returns their statuses */
  askForSlowImages(count: number): Promise<number>[];
  /** Sends a form of many parts, whose boundary follows another parameter. */
  sendFormBomb(): Promise<number>;
  /** In 10^6 bytes. */
  residentMb(): number;
  close(): Promise<void>;
}

export async function startSiege(): Promise<Siege> {
  const photo = await sharp(
    fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url)),
  )
    .jpeg({ quality: 90 })
    .toBuffer();
  const host = createServer(async (request, response) => {
    if (!request.url?.startsWith('/slow')) {
      response.end(photo);
      return;
    }
    response.writeHead(200, { 'content-length': 20_000_000 });
    for (let at = 0; !response.destroyed; at = (at + 1) % photo.length) {
      response.write(photo.subarray(at, at + 1));
      await sleep(100);
    }
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const images = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  const worker = await startBareWorkerd();
  const sockets: Socket[] = [];
  const bomb = Buffer.from('--A\r\n\r\n'.repeat(140_000));
  const query = (model: string, path: string) =>
    `/classify?${new URLSearchParams({ model, url: images + path })}`;
  let asked = 0;
  const headers = { 'cache-control': 'no-store' };
  const get = (path: string) => fetch(worker.origin + path, { headers });
  const post = (type: string, body: Buffer) =>
    fetch(`${worker.origin}/classify`, { method: 'POST', headers: { 'content-type': type }, body });
  // Loads the models before the measurement, so that they do not count as growth.
  for (const model of models) await get(query(model, '/photo'));
  const memory = watchWorkerd();

  return {
    origin: worker.origin,
    photo,
    askFor: (model) => query(model, `/photo?${asked++}`),
    uploadIdly: (count, bytes) =>
      Array.from({ length: count }, (_, i) => {
        const socket = connect(Number(new URL(worker.origin).port), '127.0.0.1');
        sockets.push(socket);
        socket.write(
          `POST /classify?model=${models[i % 2]} HTTP/1.1\r\nHost: graft\r\nContent-Length: 20000000\r\n\r\n`,
        );
        socket.write(Buffer.alloc(bytes));
        return new Promise<string>((resolve) => {
          socket.once('data', (data) => {
            resolve(data.toString('latin1').split('\r\n', 1)[0] ?? '');
            // Otherwise the sockets of all waves would stay open.
            socket.destroy();
          });
          socket.once('error', () => resolve('broken off'));
          socket.once('close', () => resolve('closed'));
        });
      }),
    askForSlowImages: (count) =>
      Array.from({ length: count }, async () => {
        const response = await get(query('cifar10', `/slow?${asked++}`));
        await response.body?.cancel();
        return response.status;
      }),
    async sendFormBomb() {
      const response = await post('multipart/form-data; xboundary=zzz; boundary=A', bomb);
      await response.body?.cancel();
      return response.status;
    },
    residentMb: () => memory.resident() / 1e6,
    async close() {
      for (const socket of sockets) socket.destroy();
      await worker.close();
      host.closeAllConnections();
      host.close();
    },
  };
}

async function ask(siege: Siege, amount: number): Promise<Result> {
  const url = siege.origin + siege.askFor('cifar10');
  const headers = { 'cache-control': 'no-store' };
  return autocannon({ url, headers, amount, connections: 4, timeout: 60 });
}

/** @returns the median of the runs' 99th percentiles, in milliseconds */
async function p99(siege: Siege): Promise<{ readonly ms: number; readonly failed: number }> {
  const runs: Awaited<ReturnType<typeof ask>>[] = [];
  for (let i = 0; i < 5; i++) runs.push(await ask(siege, 400));
  return {
    ms: median(runs.map(({ latency }) => latency.p99)),
    failed: runs.reduce((sum, run) => sum + run.errors + run.timeouts + run.non2xx, 0),
  };
}

if (import.meta.main) {
  const siege = await startSiege();
  try {
    await ask(siege, 2000);
    const quiet = await p99(siege);
    const idleMb = siege.residentMb();
    let goesOn = true;
    const statuses = new Set<number | string>();
    const repeat = async (attack: () => Promise<unknown>): Promise<void> => {
      while (goesOn) await attack();
    };
    const attackers = [
      repeat(async () => {
        const responses = await Promise.all(siege.uploadIdly(99, 2));
        for (const response of responses) statuses.add(response);
      }),
      repeat(async () => {
        const responses = await Promise.all(siege.askForSlowImages(50));
        for (const response of responses) statuses.add(response);
      }),
      repeat(async () => {
        statuses.add(await siege.sendFormBomb());
        await sleep(200);
      }),
    ];
    await sleep(500);
    const besieged = await p99(siege);
    const growthMb = siege.residentMb() - idleMb;
    goesOn = false;
    await Promise.all(attackers);
    const slowdown = besieged.ms / quiet.ms;
    const failed = quiet.failed + besieged.failed;
    await reportFigures('edge siege', {
      p99_ms_quiet: quiet.ms,
      p99_ms_besieged: besieged.ms,
      slowdown: Number(slowdown.toFixed(2)),
      failed,
      idle_mb: Math.round(idleMb),
      growth_mb: Math.round(growthMb),
      responses_to_attackers: [...statuses],
    });
    if (failed > 0 || slowdown > maxSlowdown || growthMb > maxGrowthMb) process.exitCode = 1;
  } finally {
    await siege.close();
  }
}
