/**
 * Measures jobs against a bare loop of decoding and inference in the same workerd:
 * `pnpm --filter edge bench:jobs [images]`, with 5,000 images of a bucket by default. A workerd has one
 * isolate and so one core, for both. Memory must stay flat from a tenth of the images to all of them.
 * The last line is JSON.
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { makeFolder } from '../../e2e/serve.ts';
import { serveJobs } from '../../e2e/serve-jobs.ts';
import { defaultLimits } from '../../src/limits.ts';
import { median } from '../measuring/median.ts';
import { watchWorkerd } from '../measuring/process-memory.ts';

const images = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 5_000);
const few = Math.ceil(images / 10);
const maxGrowthMb = 60;

const chelsea = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));
const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
const folder = await makeFolder();
const jobs = await serveJobs(folder, defaultLimits.jobs.chunkImages);
try {
  await jobs.put('photos', 'photo', photo);
  await jobs.fetch(`/copy/photo/few/${few}`);
  await jobs.fetch(`/copy/photo/all/${images}`);
  const loop = async (): Promise<number> => {
    const start = performance.now();
    await jobs.fetch(`/loop/photo/${few}`);
    return (few / (performance.now() - start)) * 1000;
  };
  const run = async (prefix: string, count: number): Promise<number> => {
    const start = performance.now();
    const { id } = await jobs.start({ source: { bucket: 'photos', prefix: `${prefix}/` } });
    const job = await jobs.finish(id);
    if (job.images.done !== count || job.images.failed > 0) throw new Error(JSON.stringify(job));
    return (count / (performance.now() - start)) * 1000;
  };
  // Loads the model and compiles the decoders for both.
  await loop();
  await run('few', few);
  const bare: number[] = [await loop()];
  const memory = watchWorkerd();
  const queued: number[] = [await run('few', few)];
  const fewMb = memory.resident() / 1e6;
  bare.push(await loop());
  queued.push(await run('all', images));
  const allMb = memory.resident() / 1e6;
  bare.push(await loop());
  const perSecond = queued.at(-1) as number;
  const ratio = perSecond / median(bare);
  const growthMb = allMb - fewMb;
  console.log(`jobs ${perSecond.toFixed(1)} images a second, bare loop ${median(bare).toFixed(1)}`);
  await reportFigures('edge bench:jobs', {
    images,
    images_per_second: Number(perSecond.toFixed(1)),
    images_per_second_of_few: Number((queued[0] as number).toFixed(1)),
    bare_per_second: bare.map((rate) => Number(rate.toFixed(1))),
    ratio_bare_loop: Number(ratio.toFixed(2)),
    mb_of_few: Math.round(fewMb),
    growth_mb: Math.round(growthMb),
  });
  if (growthMb > maxGrowthMb) process.exitCode = 1;
} finally {
  await jobs.close();
  await rm(folder, { recursive: true, force: true });
}
