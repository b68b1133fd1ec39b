import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import sharp from 'sharp';
import { type BareWorker, startBareWorkerd } from './bare-workerd.ts';
import { median } from './measuring/median.ts';

/** CPU milliseconds of all threads of workerd per request or per part. */
export interface CpuTimes {
  /** A whole HTTP request without the cache. */
  readonly classify: number;
  /** The same with CLIENTS at a time, so that the processor's caches stay warm. */
  readonly underLoad: number;
  /** A whole request to a Worker that only fetches, decodes, infers and responds. */
  readonly minimal: number;
  /** A request with an empty response, which is the cost of the runtime itself. */
  readonly nothing: number;
  readonly fetch: number;
  readonly decode: number;
  readonly preprocess: number;
  /** The bare inference: from a preprocessed image to probabilities. */
  readonly inference: number;
  /** The last three in sequence for each image, so that each finds less of its data in the caches. */
  readonly decodeToInference: number;
  /** Wall time of a whole request, in sequence. */
  readonly wallMs: number;
  /** The median round's bare inference ÷ whole request. */
  readonly ratioInference: number;
  /** The median round's (decode, preprocess and inference) ÷ whole request. */
  readonly ratioInferenceAndDecode: number;
  /** The median round's (decode, preprocess and inference) ÷ request under load. */
  readonly ratioUnderLoad: number;
  /** The median round's minimal Worker ÷ whole request. */
  readonly ratioMinimal: number;
}

export interface RequestFigures {
  readonly photoBytes: number;
  /** In int8, the arithmetic of its card. */
  readonly imagenet: CpuTimes;
  readonly imagenetInFloat32: CpuTimes;
  readonly imagenetOnStockKernels: CpuTimes;
  readonly cifar10: CpuTimes;
  readonly cifar10Fast: CpuTimes;
  /** Requests per second with `cifar10`, by the number of clients. */
  readonly perSecond: Record<number, number>;
}

const ROUNDS = 7;
const TIMES = 10;
/** Concurrent clients under load. */
export const CLIENTS = 8;
const parts = ['fetch', 'decode', 'preprocess', 'inference', 'decodeToInference'] as const;

/** Measures `/classify` and its parts with a JPEG 500 pixels wide. */
export async function measureRequests(): Promise<RequestFigures> {
  const chelsea = fileURLToPath(new URL('../../shared/fixtures/chelsea.png', import.meta.url));
  const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
  const host = createServer((_, response) => {
    response.writeHead(200, { 'content-length': photo.length }).end(photo);
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/photo.jpg`;
  const worker = await startBareWorkerd();
  try {
    const imagenet = await measure(worker, 'imagenet', url);
    await get(worker, '/kernels', { use: 'float32' });
    const imagenetInFloat32 = await measure(worker, 'imagenet', url);
    await get(worker, '/kernels', { use: 'stock' });
    const imagenetOnStockKernels = await measure(worker, 'imagenet', url);
    await get(worker, '/kernels', { use: 'ours' });
    const cifar10 = await measure(worker, 'cifar10', url);
    const cifar10Fast = await measure(worker, 'cifar10-fast', url);
    const perSecond: Record<number, number> = {};
    for (const connections of [1, 2, 4, 8]) {
      const query = new URLSearchParams({ url, model: 'cifar10' });
      const { requests, errors, non2xx } = await autocannon({
        url: `${worker.origin}/classify?${query}`,
        headers: { 'cache-control': 'no-store' },
        connections,
        duration: 3,
      });
      if (errors + non2xx > 0) throw new Error(`${errors + non2xx} requests failed.`);
      perSecond[connections] = requests.average;
    }
    return {
      photoBytes: photo.length,
      imagenet,
      imagenetInFloat32,
      imagenetOnStockKernels,
      cifar10,
      cifar10Fast,
      perSecond,
    };
  } finally {
    await worker.close();
    host.closeAllConnections();
    host.close();
  }
}

/** In rounds of all parts, so that other load on the machine affects all of them. */
async function measure(worker: BareWorker, model: string, url: string): Promise<CpuTimes> {
  const ask = async (path: string, query: Record<string, string>): Promise<void> => {
    for (let i = 0; i < TIMES; i++) await get(worker, path, query);
  };
  const partRuns = parts.map((part) => {
    const run = (count: number) =>
      get(worker, '/part', { part, model, url, times: `${count}` }).then(() => undefined);
    return [part, run] as const;
  });
  const rounds: (Record<string, number> & { wallMs: number })[] = [];
  for (let round = -4; round < ROUNDS; round++) {
    const cpu: Record<string, number> = {};
    const start = performance.now();
    cpu['classify'] = (await cpuOf(worker, () => ask('/classify', { model, url }))) / TIMES;
    const wallMs = (performance.now() - start) / TIMES;
    const askTogether = async (): Promise<void> => {
      await Promise.all(Array.from({ length: CLIENTS }, () => ask('/classify', { model, url })));
    };
    cpu['underLoad'] = (await cpuOf(worker, askTogether)) / (TIMES * CLIENTS);
    cpu['minimal'] = (await cpuOf(worker, () => ask('/minimal', { model, url }))) / TIMES;
    cpu['nothing'] = (await cpuOf(worker, () => ask('/nothing', {}))) / TIMES;
    for (const [part, run] of partRuns) {
      // The time of the request without the part is subtracted.
      const around = await cpuOf(worker, () => run(0));
      cpu[part] = ((await cpuOf(worker, () => run(TIMES))) - around) / TIMES;
    }
    // In the first rounds, V8 still compiles.
    if (round >= 0) rounds.push({ ...cpu, wallMs });
  }
  const of = (figure: (round: Record<string, number>) => number): number =>
    median(rounds.map(figure));
  const names = ['classify', 'underLoad', 'minimal', 'nothing', ...parts, 'wallMs'];
  const ratio = (part: string, whole = 'classify'): number =>
    of((round) => (round[part] as number) / (round[whole] as number));
  return {
    ...(Object.fromEntries(
      names.map((name) => [name, of((round) => round[name] as number)]),
    ) as Omit<CpuTimes, `ratio${string}`>),
    ratioInference: ratio('inference'),
    ratioInferenceAndDecode: ratio('decodeToInference'),
    ratioUnderLoad: ratio('decodeToInference', 'underLoad'),
    ratioMinimal: ratio('minimal'),
  };
}

async function cpuOf(worker: BareWorker, run: () => Promise<void>): Promise<number> {
  const before = await worker.cpuMs();
  await run();
  return (await worker.cpuMs()) - before;
}

async function get(worker: BareWorker, path: string, query: Record<string, string>): Promise<void> {
  const response = await fetch(`${worker.origin}${path}?${new URLSearchParams(query)}`, {
    headers: { 'cache-control': 'no-store' },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} responded with ${response.status}: ${text}`);
}
