/**
 * Measures jobs against a bare loop of decoding and inference in the same workerd, on all cores:
 * `pnpm --filter edge bench:jobs [images]`, with 5,000 images of buckets by default. A workerd has one thread,
 * so each core has one, with queue, bucket and job of its own. Memory must stay flat from a tenth of the
 * images to all of them. The last line is JSON; `cpu_ms` are milliseconds of processor time an image,
 * those of jobs with the queue, the buckets and the Workflow, which workerd simulates.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { makeFolder } from '../../e2e/serve.ts';
import { type ServedJobs, serveJobs } from '../../e2e/serve-jobs.ts';
import { defaultLimits } from '../../src/limits.ts';
import { watchWorkerd } from '../measuring/process-use.ts';

const cores = availableParallelism();
const images = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 5_000);
/** Of each core. */
const all = Math.ceil(images / cores);
const few = Math.ceil(all / 10);
const maxGrowthMb = 60;
/** A fifth of how often a job looks by default, so that its end is seen soon. */
const POLL_MS = 1_000;

const chelsea = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));
const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
const folder = await makeFolder();
const services: ServedJobs[] = [];
try {
  for (let core = 0; core < cores; core++) {
    const at = join(folder, `${core}`);
    services.push(await serveJobs(at, defaultLimits.jobs.chunkImages, POLL_MS));
  }
  const use = watchWorkerd();

  /** Has each core work on so many images at the same time. */
  const measure = async (count: number, work: (jobs: ServedJobs) => Promise<unknown>) => {
    const [cpuMs, start] = [use.cpuMs(), performance.now()];
    await Promise.all(services.map(work));
    const ms = performance.now() - start;
    return { images: count * cores, ms, cpuMs: use.cpuMs() - cpuMs };
  };
  const loop = (count: number) => measure(count, (jobs) => jobs.fetch(`/loop/photo/${count}`));
  const run = (prefix: string, count: number) =>
    measure(count, async (jobs) => {
      const { id } = await jobs.start({ source: { bucket: 'photos', prefix: `${prefix}/` } });
      const job = await jobs.finish(id);
      if (job.images.done !== count || job.images.failed > 0) throw new Error(JSON.stringify(job));
    });

  for (const jobs of services) {
    await jobs.put('photos', 'photo', photo);
    await jobs.fetch(`/copy/photo/few/${few}`);
    await jobs.fetch(`/copy/photo/all/${all}`);
  }
  // Loads the model and compiles the decoders for both.
  await loop(few);
  await run('few', few);
  const ofFew = await run('few', few);
  const fewMb = use.resident() / 1e6;
  // Before and after, since other programs come and go.
  const before = await loop(2 * few);
  const queued = await run('all', all);
  const allMb = use.resident() / 1e6;
  const after = await loop(2 * few);
  const bare = {
    images: before.images + after.images,
    ms: before.ms + after.ms,
    cpuMs: before.cpuMs + after.cpuMs,
  };
  console.log(
    `jobs ${rate(queued).toFixed(1)} images a second, bare loop ${rate(bare).toFixed(1)}, on ${cores} cores`,
  );
  const growthMb = allMb - fewMb;
  await reportFigures('edge bench:jobs', {
    images: queued.images,
    cores,
    images_per_second: rate(queued),
    images_per_second_of_few: rate(ofFew),
    bare_per_second: [before, after].map(rate),
    ratio_bare_loop: rate(queued) / rate(bare),
    cpu_ms: { jobs: queued.cpuMs / queued.images, bare_loop: bare.cpuMs / bare.images },
    ratio_bare_loop_cpu: bare.cpuMs / bare.images / (queued.cpuMs / queued.images),
    mb_of_few: Math.round(fewMb),
    growth_mb: Math.round(growthMb),
  });
  if (growthMb > maxGrowthMb * cores) process.exitCode = 1;
} finally {
  await Promise.all(services.map((jobs) => jobs.close()));
  await rm(folder, { recursive: true, force: true });
}

function rate({ images, ms }: { images: number; ms: number }): number {
  return (images / ms) * 1000;
}
