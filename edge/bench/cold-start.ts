import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type BuiltWorker, buildWorker } from './bare-workerd.ts';
import { median } from './measuring/median.ts';

/** From the start of workerd to the first response, without workerd's own start, in milliseconds. */
export interface ColdStart {
  readonly wallMs: number;
  /** CPU time of all threads. */
  readonly cpuMs: number;
}

export interface ColdStarts {
  readonly ours: ColdStart;
  /** skeleton-worker.ts */
  readonly skeleton: ColdStart;
  /** The time that was subtracted: that of a Worker with an empty response. */
  readonly empty: ColdStart;
  /** Of the rounds. */
  readonly ratioWall: number;
  readonly ratioCpu: number;
}

const ROUNDS = 15;

/** Starts each Worker in turn, and lets it classify one JPEG with the model `imagenet`. */
export async function measureColdStarts(): Promise<ColdStarts> {
  const chelsea = fileURLToPath(new URL('../../shared/fixtures/chelsea.png', import.meta.url));
  const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
  const host = createServer((_, response) => response.end(photo));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/photo.jpg`;
  const path = `/classify?${new URLSearchParams({ url, model: 'imagenet' })}`;
  const built = {
    ours: await buildWorker('wrangler.jsonc'),
    skeleton: await buildWorker('skeleton.jsonc'),
    empty: await buildWorker('empty.jsonc'),
  };
  const rounds: Record<keyof typeof built, ColdStart>[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const empty = await startAndAsk(built.empty, path);
      const minusEmpty = async (worker: BuiltWorker): Promise<ColdStart> => {
        const { wallMs, cpuMs } = await startAndAsk(worker, path);
        return { wallMs: wallMs - empty.wallMs, cpuMs: cpuMs - empty.cpuMs };
      };
      const ours = await minusEmpty(built.ours);
      rounds.push({ ours, skeleton: await minusEmpty(built.skeleton), empty });
    }
  } finally {
    await Promise.all(Object.values(built).map((worker) => worker.remove()));
    host.closeAllConnections();
    host.close();
  }
  const medianOf = (name: keyof typeof built): ColdStart => ({
    wallMs: median(rounds.map((round) => round[name].wallMs)),
    cpuMs: median(rounds.map((round) => round[name].cpuMs)),
  });
  return {
    ours: medianOf('ours'),
    skeleton: medianOf('skeleton'),
    empty: medianOf('empty'),
    ratioWall: median(rounds.map(({ ours, skeleton }) => skeleton.wallMs / ours.wallMs)),
    ratioCpu: median(rounds.map(({ ours, skeleton }) => skeleton.cpuMs / ours.cpuMs)),
  };
}

async function startAndAsk(built: BuiltWorker, path: string): Promise<ColdStart> {
  const start = performance.now();
  const worker = await built.start();
  try {
    const headers = { 'cache-control': 'no-store' };
    const response = await fetch(`${worker.origin}${path}`, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`The first response was ${response.status}: ${text}`);
    return { wallMs: performance.now() - start, cpuMs: await worker.cpuMs() };
  } finally {
    await worker.close();
  }
}
