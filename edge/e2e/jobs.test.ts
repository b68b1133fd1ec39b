import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makePng } from 'shared/test/png';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deadPort, startHost } from './image-hosts.ts';
import { makeFolder } from './serve.ts';
import { type ServedJobs, serveJobs } from './serve-jobs.ts';

// Jobs in workerd with its R2, Queues and Workflows, which is killed while they run.

const GOOD = 275;
const BAD = 25;
const TIMEOUT_MS = 300_000;

let folder: string;
let jobs: ServedJobs;
let photos: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  folder = await makeFolder();
  [jobs, photos] = await Promise.all([serveJobs(folder, 20), makePhotos()]);
  for (const [key, bytes] of photos) await jobs.put('photos', key, bytes);
});

afterAll(async () => {
  await jobs?.close();
  await rm(folder, { recursive: true, force: true });
});

test('each image of a bucket has one result, though workerd is killed three times', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { id } = await jobs.start({ source: { bucket: 'photos', prefix: 'all/' }, top: 3 });
  for (const least of [40, 120, 200]) {
    await expect.poll(async () => (await jobs.show(id)).images.done, poll).toBeGreaterThan(least);
    await jobs.killAndRestart();
  }
  const job = await jobs.finish(id);
  const total = photos.size;
  expect(job).toMatchObject({
    status: 'done',
    images: { found: total, isComplete: true, done: total, failed: BAD },
  });

  const lines = await jobs.results(id);
  expect(lines.map(({ image }) => image).toSorted()).toEqual([...photos.keys()].toSorted());
  const differing: string[] = [];
  for (const line of lines) {
    const expected = await jobs.classify(photos.get(line.image) as Buffer, 3);
    const got = 'problem' in line ? line.problem.code : 'answer' in line && line.answer;
    if (JSON.stringify(got) !== JSON.stringify(expected)) differing.push(line.image);
  }
  expect(differing).toEqual([]);
});

test('images of hosts that fail are tried three times, and again when the job is', {
  timeout: TIMEOUT_MS,
}, async () => {
  const photo = photos.values().next().value as Buffer;
  const asked = new Map<string, number>();
  let requests = 0;
  const flaky = await startHost((path) => {
    asked.set(path, (asked.get(path) ?? 0) + 1);
    requests += 1;
    return requests % 10 === 0 ? undefined : photo;
  });
  const gone = await deadPort();
  const alive = Array.from({ length: 95 }, (_, i) => `http://127.0.0.1:${flaky.port}/${i}.jpg`);
  const dead = Array.from({ length: 5 }, (_, i) => `http://127.0.0.1:${gone}/${i}.jpg`);
  const list = [...alive.slice(0, 50), ...dead, '', ...alive.slice(50), 'http://10.0.0.1/a.jpg'];
  await jobs.put('jobs', 'urls/list.txt', Buffer.from(list.join('\r\n')));
  try {
    const { id } = await jobs.start({ source: { urls: 'urls/list.txt' } });
    const job = await jobs.finish(id);
    expect(job).toMatchObject({
      status: 'done',
      images: { found: 101, done: 101, failed: 6 },
      problems: { fetch_failed: 5, blocked_target: 1 },
    });
    const expected = { answer: await jobs.classify(photo, 5) };
    const lines = await jobs.results(id);
    expect(lines.map(({ image }) => image)).toEqual(list.filter((line) => line !== ''));
    for (const line of lines.filter(({ image }) => alive.includes(image))) {
      expect(line).toMatchObject(expected);
    }
    // One request in ten failed, and only its image was asked for again.
    expect(requests).toBeGreaterThan(alive.length);
    expect(requests).toBeLessThan(alive.length * 1.2);
    expect(Math.max(...asked.values())).toBeLessThanOrEqual(3);

    // The dead host is back; all else has been classified.
    const before = requests;
    const back = await startHost(() => photo, gone);
    try {
      const retry = await jobs.fetch(`/jobs/${id}/retry`, { method: 'POST' });
      expect(retry.status).toBe(202);
      expect(await jobs.finish(id)).toMatchObject({
        status: 'done',
        images: { found: 101, done: 101, failed: 1 },
        problems: { blocked_target: 1 },
      });
      const after = await jobs.results(id);
      expect(after.map(({ image }) => image)).toEqual(lines.map(({ image }) => image));
      expect(after.filter(({ image }) => dead.includes(image))).toEqual(
        dead.map((image) => ({ image, ...expected })),
      );
      expect(requests).toBe(before);
    } finally {
      await back.close();
    }
  } finally {
    await flaky.close();
  }
});

test('images that come into the bucket later are classified, each once', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [one, two] = [...photos.values()] as [Buffer, Buffer];
  await jobs.put('photos', 'later/1', one);
  const { id } = await jobs.start({
    source: { bucket: 'photos', prefix: 'later/' },
    top: 3,
    follow: true,
  });
  await jobs.finish(id);
  await jobs.put('photos', 'later/2', two);
  for (const key of ['later/1', 'later/2', 'later/2']) await jobs.fetch(`/tell/${key}`);
  await expect.poll(async () => (await jobs.results(id)).length, poll).toBe(2);
  expect(await jobs.results(id)).toEqual([
    { image: 'later/1', answer: await jobs.classify(one, 3) },
    { image: 'later/2', answer: await jobs.classify(two, 3) },
  ]);
});

const poll = { timeout: 120_000, interval: 200 };

/** Cut from three photos, each at another place, and files that no decoder reads. */
async function makePhotos(): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const names = ['chelsea', 'coffee', 'rocket'];
  for (let i = 0; i < GOOD; i++) {
    const file = new URL(`../../shared/fixtures/${names[i % 3]}.png`, import.meta.url);
    const cut = { left: i % 40, top: Math.floor(i / 10), width: 160, height: 120 };
    const photo = sharp(fileURLToPath(file)).extract(cut);
    const bytes = await (i % 4 === 0 ? photo.webp() : photo.jpeg()).toBuffer();
    found.set(`all/${i} of ${GOOD}.img`, bytes);
  }
  const jpeg = found.get(`all/1 of ${GOOD}.img`) as Buffer;
  const huge = { width: 65_535, height: 65_535, depth: 8, colourType: 0 };
  const bad = Array.from({ length: BAD }, (_, i) => {
    if (i % 3 === 0) return jpeg.subarray(0, 100 + i);
    return i % 3 === 1 ? Buffer.from(`This is text ${i}.`) : makePng(huge, Uint8Array.of(i));
  });
  for (const [i, bytes] of bad.entries()) found.set(`all/bad/${i}`, bytes);
  return found;
}
