/**
 * Kills workerd three times in the midst of a job, `pnpm --filter edge bench:jobs-killed [images]`: 5,000 images of
 * CIFAR-10's test set by default, of which 25 are broken, once in a bucket and once as urls of a host that
 * fails every tenth request and of one that is gone, where what failed three times is retried. Each image must
 * have one result, and that of `/classify`. The last line is JSON; the exit code is 1 where something is lost,
 * twice or different.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportFigures } from 'shared/bench/report-figures';
import type { JobLine } from 'shared/contract/responses';
import sharp from 'sharp';
import { openCifar10 } from 'trainer/datasets/cifar';
import { deadPort, startHost } from '../../e2e/image-hosts.ts';
import { makeFolder } from '../../e2e/serve.ts';
import { serveJobs } from '../../e2e/serve-jobs.ts';
import { defaultLimits } from '../../src/limits.ts';

const BROKEN = 25;
const DEAD = 25;
const TOP = 3;
/** Shares of the images after which workerd is killed. */
const KILLS = [0.15, 0.4, 0.7];
const REQUESTS = 8;

const images = Number(process.argv.slice(2).find((word) => word !== '--record') ?? 5_000);
const files = await makeFiles();
const folder = await makeFolder();
const jobs = await serveJobs(folder, defaultLimits.jobs.chunkImages);
try {
  const alone = new Map<string, string>();
  await inTurn([...files], async ([name, bytes]) => {
    await jobs.put('photos', `all/${name}`, bytes);
    alone.set(name, JSON.stringify(await jobs.classify(bytes, TOP)));
  });
  const inBucket = await survive({ bucket: 'photos', prefix: 'all/' });
  const bucket = compare(inBucket.lines, (image) => alone.get(image.slice('all/'.length)));
  const fromUrls = await throughUrls(alone);
  const figures = {
    images: files.size,
    broken: BROKEN,
    kills: KILLS.length,
    bucket: { ...bucket, seconds: inBucket.seconds },
    urls: fromUrls,
  };
  await reportFigures('edge bench:jobs-killed', figures);
  const isRight = [bucket, fromUrls].every(
    ({ missing, twice, different }) => missing + twice + different === 0,
  );
  if (!isRight || bucket.problems !== BROKEN || fromUrls.problems !== BROKEN + DEAD) {
    process.exitCode = 1;
  }
} finally {
  await jobs.close();
  await rm(folder, { recursive: true, force: true });
}

/** The same images from a host that fails every tenth request, and some from one that is gone. */
async function throughUrls(alone: ReadonlyMap<string, string>) {
  let requests = 0;
  const host = await startHost((path) => {
    requests += 1;
    return requests % 10 === 0 ? undefined : files.get(path.slice(1));
  });
  try {
    const gone = await deadPort();
    const urlOf = (name: string) => `http://127.0.0.1:${host.port}/${name}`;
    const expected = new Map([...alone].map(([name, answer]) => [urlOf(name), answer]));
    const list = [...expected.keys()];
    for (let i = 0; i < DEAD; i++) {
      const url = `http://127.0.0.1:${gone}/${i}`;
      expected.set(url, JSON.stringify('fetch_failed'));
      list.splice(Math.floor((i * list.length) / DEAD), 0, url);
    }
    await jobs.put('jobs', 'urls/all.txt', Buffer.from(list.join('\n')));
    const { id, lines, seconds } = await survive({ urls: 'urls/all.txt' });
    const answerOf = (url: string) => expected.get(url);
    // One image in a thousand meets the failing request three times.
    const first = compare(lines, answerOf, list.length);
    const before = requests;
    await jobs.fetch(`/jobs/${id}/retry`, { method: 'POST' });
    await jobs.finish(id);
    const after = compare(await jobs.results(id), answerOf, list.length);
    return { ...after, ...{ failed_three_times: first.different, requests: before, seconds } };
  } finally {
    await host.close();
  }
}

/** Runs a job to its end, and ends workerd in between as a power failure would. */
async function survive(source: object): Promise<{ id: string; lines: JobLine[]; seconds: number }> {
  const start = performance.now();
  const { id } = await jobs.start({ source, top: TOP });
  for (const share of KILLS) {
    while ((await jobs.show(id)).images.done < share * files.size) await sleep(100);
    console.log(`${JSON.stringify(source)}: killed after ${Math.round(100 * share)} %`);
    await jobs.killAndRestart();
  }
  const job = await jobs.finish(id);
  if (job.status !== 'done') throw new Error(JSON.stringify(job));
  const seconds = Math.round((performance.now() - start) / 1000);
  return { id, lines: await jobs.results(id), seconds };
}

/** @param answerOf what `/classify` says, as JSON: a response or the code of a problem */
function compare(
  lines: readonly JobLine[],
  answerOf: (image: string) => string | undefined,
  count = files.size,
) {
  const names = new Set(lines.map(({ image }) => image));
  const different = lines.filter((line) => {
    const got = 'problem' in line ? line.problem.code : 'answer' in line && line.answer;
    return JSON.stringify(got) !== answerOf(line.image);
  });
  for (const line of different.slice(0, 3)) console.log('Not so alone:', JSON.stringify(line));
  return {
    results: lines.length,
    missing: count - names.size,
    twice: lines.length - names.size,
    different: different.length,
    problems: lines.filter((line) => 'problem' in line).length,
  };
}

/** As PNG, JPEG and WebP by turns, and files that no decoder reads. */
async function makeFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { test } = await openCifar10();
  const made = new Map<string, Uint8Array>();
  const every = Math.floor(images / BROKEN);
  for (let i = 0; i < images; i++) {
    const { data, width, height } = await test.image(i);
    const raw = { width, height, channels: 3 } as const;
    const format = (['png', 'jpeg', 'webp'] as const)[i % 3] ?? 'png';
    const bytes = await sharp(Uint8Array.from(data), { raw }).toFormat(format).toBuffer();
    const isBroken = i % every === 0 && i / every < BROKEN;
    made.set(`${i}.${format}`, isBroken ? bytes.subarray(0, bytes.length / 2) : bytes);
  }
  return made;
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const next = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: REQUESTS }, next));
}
