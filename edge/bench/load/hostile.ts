/**
 * Searches for the most expensive files: `pnpm --filter edge bench:hostile`. Seeds of each format are
 * mutated 10,000 times, and the most expensive results are mutated again. The most expensive file of a
 * format is then sent to the Worker in workerd, whose memory and `/health` are watched. Exits with 1 above
 * a limit.
 */
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import { decodeImage } from 'shared/images/decode-node';
import { mutate } from 'shared/test/mutate';
import sharp from 'sharp';
import { createTestHarness } from 'wrangler';
import { defaultLimits } from '../../src/limits.ts';
import { watchWorkerd } from '../measuring/process-use.ts';
import { makeSeeds } from './hostile-seeds.ts';

const maxCpuMs = 2000;
const maxGrowthMb = 100;
const maxHealthMs = 3000;

const mutations = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 10_000);

interface Candidate {
  readonly file: Uint8Array;
  readonly cpuMs: number;
  readonly outcome: string;
}

async function tryOut(file: Uint8Array): Promise<Candidate> {
  const before = process.cpuUsage();
  const outcome = await decodeImage(file, { size: 224, limits: defaultLimits }).then(
    () => 'decoded',
    (error: unknown) => `${(error as { code?: unknown }).code}`,
  );
  const { user, system } = process.cpuUsage(before);
  return { file, cpuMs: (user + system) / 1000, outcome };
}

/** How many of the most expensive files are mutated again. */
const kept = 6;

async function search(seeds: readonly Uint8Array[], count: number): Promise<Candidate> {
  let costliest: Candidate[] = [];
  const keep = (candidate: Candidate): void => {
    costliest = [...costliest, candidate].toSorted((a, b) => b.cpuMs - a.cpuMs).slice(0, kept);
  };
  for (const seed of seeds) keep(await tryOut(seed));
  // Mutations of small files take less time; the costliest files are mostly large.
  const small = seeds.filter(({ length }) => length < 200_000);
  for (let i = 0; i < count; i++) {
    const from = i % 20 ? small[i % small.length] : costliest[(i / 20) % costliest.length]?.file;
    const file = mutate(from ?? seeds[0] ?? new Uint8Array(0), i);
    if (file.length <= defaultLimits.maxBytes) keep(await tryOut(file));
  }
  // Garbage collection may make a file look expensive once, so each is measured again.
  const again: Candidate[] = [];
  for (const { file } of costliest) {
    const runs = [await tryOut(file), await tryOut(file), await tryOut(file)];
    again.push(runs.toSorted((a, b) => a.cpuMs - b.cpuMs)[1] as Candidate);
  }
  return again.toSorted((a, b) => b.cpuMs - a.cpuMs)[0] as Candidate;
}

interface Strain {
  readonly growthMb: number;
  readonly healthMs: number;
  readonly status: number;
}

/** Sends a file to a new, warm Worker, and requests its health meanwhile. */
async function strain(file: Uint8Array): Promise<Strain> {
  const worker = createTestHarness({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    workers: [{ configPath: 'wrangler.jsonc' }],
  });
  const classify = (body: Uint8Array) =>
    worker.fetch('/classify?model=imagenet', { method: 'POST', body: Uint8Array.from(body) });
  try {
    await worker.listen();
    const warmUp = await sharp({
      create: { width: 300, height: 300, channels: 3, background: 'red' },
    })
      .jpeg()
      .toBuffer();
    for (let i = 0; i < 5; i++) await (await classify(warmUp)).text();
    const memory = watchWorkerd();
    const idle = memory.resident();
    memory.resetPeak();
    const response = classify(file);
    const start = performance.now();
    await (await worker.fetch('/health')).text();
    const healthMs = performance.now() - start;
    const { status } = await response;
    return { growthMb: (memory.peak() - idle) / 1e6, healthMs, status };
  } finally {
    await worker.close();
  }
}

const worst: Record<string, object> = {};
const seeds = await makeSeeds();
const formats = Object.entries(seeds);
for (const [format, files] of formats) {
  const { file, cpuMs, outcome } = await search(files, Math.ceil(mutations / formats.length));
  const { growthMb, healthMs, status } = await strain(file);
  worst[format] = { cpuMs, growthMb, healthMs, bytes: file.length, outcome, status };
  if (cpuMs > maxCpuMs || growthMb > maxGrowthMb || healthMs > maxHealthMs) process.exitCode = 1;
  console.log(
    [
      `${format}: ${cpuMs.toFixed(0)} ms of CPU (at most ${maxCpuMs})`,
      `+${growthMb.toFixed(0)} MB (${maxGrowthMb})`,
      `/health after ${healthMs.toFixed(0)} ms (${maxHealthMs})`,
      `${file.length} bytes, ${outcome}, ${status}`,
    ].join(', '),
  );
}
await reportFigures('edge bench:hostile', { mutations, worst });
