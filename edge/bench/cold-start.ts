/**
 * Cold starts, and what they take: `pnpm --filter edge bench:cold-start`. `pnpm --filter edge bench` has them
 * beside its other figures.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
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
export function measureColdStarts(): Promise<ColdStarts> {
  return withPhoto(compareColdStarts);
}

/** @param measure gets the path of a request for a photo that a server has */
async function withPhoto<Result>(measure: (path: string) => Promise<Result>): Promise<Result> {
  const chelsea = fileURLToPath(new URL('../../shared/fixtures/chelsea.png', import.meta.url));
  const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
  const host = createServer((_, response) => response.end(photo));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/photo.jpg`;
  try {
    return await measure(`/classify?${new URLSearchParams({ url, model: 'imagenet' })}`);
  } finally {
    host.closeAllConnections();
    host.close();
  }
}

/**
 * What a cold start takes, each part beside those before it: workerd, the Worker's own code, tfjs and the
 * kernels, and the first image with its model.
 */
async function measureParts(path: string): Promise<Readonly<Record<string, ColdStart>>> {
  const empty = await buildWorker('empty.jsonc');
  const ours = await buildWorker('wrangler.jsonc');
  const requests: Readonly<Record<string, readonly [BuiltWorker, string]>> = {
    workerd: [empty, '/'],
    code: [ours, '/nothing'],
    backend: [ours, '/health'],
    image: [ours, path],
  };
  const starts = Object.values(requests).map((): ColdStart[] => []);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, request] of Object.values(requests).entries()) {
        starts[i]?.push(await startAndAsk(...request));
      }
    }
  } finally {
    await Promise.all([empty.remove(), ours.remove()]);
  }
  const [wall, cpu] = (['wallMs', 'cpuMs'] as const).map((kind) => {
    const medians = starts.map((rounds) => median(rounds.map((start) => start[kind])));
    return medians.map((ms, i) => Number((ms - (medians[i - 1] ?? 0)).toFixed(1)));
  });
  return Object.fromEntries(
    Object.keys(requests).map((name, i) => [
      name,
      { wallMs: wall?.[i] ?? 0, cpuMs: cpu?.[i] ?? 0 },
    ]),
  );
}

async function compareColdStarts(path: string): Promise<ColdStarts> {
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

if (import.meta.main) {
  const parts = await withPhoto(measureParts);
  console.table(parts);
  const cold = await measureColdStarts();
  await reportFigures('edge bench:cold-start', {
    ratio_stock: cold.ratioWall,
    ratio_stock_cpu: cold.ratioCpu,
    ...cold,
    parts,
  });
}
