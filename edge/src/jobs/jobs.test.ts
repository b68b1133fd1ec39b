import { env } from 'cloudflare:workers';
import { problem } from 'shared/contract/responses';
import { expect, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import {
  advance,
  app,
  bindings,
  call,
  clearJobs,
  codeOf,
  deliver,
  deliverAll,
  host,
  limits,
  linesOf,
  photo,
  photos,
  putPhotos,
  sent,
  show,
  start,
  started,
  TEST_JOBS,
  TEST_PHOTOS,
} from '../../test/jobs.ts';
import type { ChunkMessage, Env } from '../env.ts';
import { advanceJob } from './advance-job.ts';
import { keys, readJsonObject } from './job.ts';

clearJobs();

test('classifies each image of a bucket once, and ends with a manifest', async () => {
  await putPhotos(7);
  await TEST_PHOTOS.put('p/broken', 'no image');
  await TEST_PHOTOS.put('p/folder/', '');
  await TEST_PHOTOS.put('elsewhere', 'no image');
  const { id, model } = await start(photos);
  expect(started).toEqual([{ job: id, part: 0 }]);
  await advance(id);
  expect(sent.map(({ chunk }) => chunk)).toEqual([0, 1, 2]);
  expect((await show(id)).images).toEqual({ found: 8, isComplete: true, done: 0, failed: 0 });
  // At least once, and at the same time, is as good as once.
  await Promise.all(sent.map((message) => deliver(message)));
  await deliverAll();
  expect((await advance(id)).status).toBe('done');
  const job = await show(id);
  expect(job).toMatchObject({
    status: 'done',
    images: { found: 8, done: 8, failed: 1 },
    problems: { unsupported_image: 1 },
  });
  const lines = await linesOf(id);
  expect(lines.map(({ image }) => image)).toEqual([
    ...Array.from({ length: 7 }, (_, i) => `p/${i}`),
    'p/broken',
  ]);
  const { objects } = await TEST_JOBS.list({ prefix: keys.results(id) });
  expect(objects.map(({ key }) => key)).toContain(
    `results/${id}/0000000002@${model.split('@')[1]}.ndjson`,
  );
  expect(await readJsonObject(TEST_JOBS, keys.manifest(id))).toMatchObject({
    status: 'done',
    model,
    images: 8,
    failed: 1,
  });
  // Of which a part may be read, as the header of the one before says.
  expect((await linesOf(id, '?after=0')).map(({ image }) => image)).toEqual(
    lines.slice(3).map(({ image }) => image),
  );
});

test('goes on with the same images where a step is repeated', async () => {
  await putPhotos(4);
  const { id } = await start(photos);
  const state = await TEST_JOBS.get(keys.state(id));
  const before = await state?.text();
  await advance(id);
  // The step ended before its state was written, and an image came that sorts before all others.
  await TEST_JOBS.put(keys.state(id), before ?? '');
  await TEST_PHOTOS.put('p/!first', await photo());
  await advance(id);
  await deliverAll();
  await advance(id);
  expect((await linesOf(id)).map(({ image }) => image)).toEqual(['p/0', 'p/1', 'p/2', 'p/3']);
  expect((await show(id)).images).toMatchObject({ found: 4, done: 4 });
});

test('enqueues no more than there is room for', async () => {
  await putPhotos(70);
  const few = { ...limits, jobs: { ...limits.jobs, maxWaitingChunks: 5 } };
  const { id } = await start(photos);
  await advanceJob(bindings, { job: id, part: 0 }, few);
  // A page, since that is what one list gives.
  expect(sent).toHaveLength(10);
  await advanceJob(bindings, { job: id, part: 0 }, few);
  expect(sent).toHaveLength(10);
  for (const message of sent.slice(0, 6)) await deliver(message);
  await advanceJob(bindings, { job: id, part: 0 }, few);
  expect(sent).toHaveLength(20);
});

test('sends what was lost again', async () => {
  await putPhotos(4);
  const { id } = await start(photos);
  await advance(id);
  const [first] = sent;
  await deliver(first as ChunkMessage);
  sent.length = 0;
  await advance(id);
  expect(sent).toEqual([]);
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + limits.jobs.stalledMs + 1);
  await advance(id);
  expect(sent).toEqual([{ job: id, chunk: 1, run: 0 }]);
});

test('starts another instance for a job whose last one is lost, and lets only it write', async () => {
  await putPhotos(1);
  const { id } = await start(photos);
  await show(id);
  expect(started).toHaveLength(1);
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + limits.jobs.lostMs + 1);
  await Promise.all([show(id), show(id)]);
  expect(started).toEqual([
    { job: id, part: 0 },
    { job: id, part: 1 },
  ]);
  const state = await advanceJob(bindings, { job: id, part: 0 }, limits);
  expect(state.part).toBe(1);
  expect(sent).toEqual([]);
  await advance(id);
  expect(sent).toHaveLength(1);
});

test('finds the image that ends the isolate, and classifies the others', async () => {
  await putPhotos(3);
  const { id } = await start(photos);
  await advance(id);
  const [message] = sent as [ChunkMessage];
  // The isolate ends as soon as the second image has been noted.
  const put = TEST_JOBS.put.bind(TEST_JOBS) as (...args: unknown[]) => Promise<R2Object>;
  vi.spyOn(TEST_JOBS, 'put').mockImplementation(async (...args: unknown[]) => {
    const written = await put(...args);
    if (`${args[1]}`.includes('"current":{"index":1,'))
      throw new Error('The isolate exceeded its memory.');
    return written;
  });
  vi.spyOn(console, 'error').mockImplementation(() => {});
  for (const attempts of [2, 3, 4]) expect(await deliver(message, { attempts })).not.toBe('acked');
  expect(await deliver(message, { attempts: 5 })).toBe('acked');
  await advance(id);
  expect(await linesOf(id)).toMatchObject([
    { image: 'p/0', answer: {} },
    { image: 'p/1', problem: { code: 'internal' } },
    { image: 'p/2', answer: {} },
  ]);
  expect(await TEST_JOBS.head(keys.tries(id, 0, 0))).toBeNull();
});

test('blames no image that another delivery may have in hand', async () => {
  await putPhotos(2);
  const { id } = await start(photos);
  await advance(id);
  const [message] = sent.splice(0) as [ChunkMessage];
  const inHand = {
    images: [{ tries: 2, stops: 2 }, { tries: 2 }],
    current: { index: 0, at: Date.now() },
  };
  await TEST_JOBS.put(keys.tries(id, 0, 0), JSON.stringify(inHand));
  const patient = { ...limits, jobs: { ...limits.jobs, imageMs: 60_000 } };
  expect(await deliver(message, { using: patient })).toBe('acked');
  expect(sent).toEqual([message]);
  // The other one wrote no result in time, so its isolate has ended.
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + 60_001);
  expect(await deliver(message, { using: patient })).toBe('acked');
  expect(await linesOf(id)).toMatchObject([{ problem: { code: 'internal' } }, { answer: {} }]);
});

test('settles and keeps what no delivery succeeded with; a retry classifies it', async () => {
  await putPhotos(2);
  const { id } = await start(photos);
  await advance(id);
  const [message] = sent.splice(0) as [ChunkMessage];
  expect(await deliver(message, { queue: 'graft-jobs-dead' })).toBe('acked');
  expect((await advance(id)).status).toBe('done');
  expect(await show(id)).toMatchObject({ problems: { internal: 2 }, images: { failed: 2 } });
  expect(await readJsonObject(TEST_JOBS, keys.dead(id, 0, 0))).toMatchObject(message);

  expect((await call(`/jobs/${id}/retry`, { method: 'POST' })).status).toBe(202);
  expect(await codeOf(await call(`/jobs/${id}/retry`, { method: 'POST' }))).toEqual([
    409,
    'conflict',
  ]);
  expect(started.at(-1)).toEqual({ job: id, part: 1 });
  await advance(id);
  expect(sent).toEqual([{ ...message, run: 1 }]);
  await deliverAll();
  // A message of the first run that comes late changes nothing.
  await deliver(message);
  await advance(id);
  expect(await show(id)).toMatchObject({
    status: 'done',
    images: { done: 2, failed: 0 },
    problems: {},
  });
});

test('keeps its model where the service has another version', async () => {
  await putPhotos(1);
  const { id, model } = await start(photos);
  await advance(id);
  const assets = vi.spyOn(env.ASSETS, 'fetch').mockRejectedValue(new Error('No such model.'));
  await deliverAll();
  expect(assets).not.toHaveBeenCalled();
  const [line] = await linesOf(id);
  expect(line).toMatchObject({ answer: { model: { version: model.split('@')[1] } } });
});

test('gives the same predictions as /classify', async () => {
  const bytes = await photo();
  await TEST_PHOTOS.put('p/chelsea', bytes);
  const { id } = await start(photos, 'imagenet');
  await advance(id);
  await deliverAll();
  const response = await call('/classify?top=1&model=imagenet', { method: 'POST' }, {});
  expect(response.status).toBe(400);
  const alone = await ask(
    app,
    '/classify?top=1&model=imagenet',
    { method: 'POST', headers: { authorization: 'Bearer mine' }, body: bytes },
    bindings,
  );
  expect(await linesOf(id)).toEqual([{ image: 'p/chelsea', answer: await alone.json() }]);
});

test('reads a list of urls, tries what may pass, and guards the rest', async () => {
  const urls = [
    `${host}/chelsea.jpg`,
    'http://10.0.0.1/private.jpg',
    `${host}/no-such-image.png`,
    'not a url',
    `${host}/small.jpg`,
  ];
  await TEST_JOBS.put('urls/list.txt', `${urls.join('\r\n')}\r\n\r\n`);
  const { id } = await start({ urls: 'urls/list.txt' });
  await advance(id);
  const [first, second] = sent as [ChunkMessage, ChunkMessage];
  const { retryDelayS } = limits.jobs;
  expect(await deliver(first)).toEqual({ retryInS: retryDelayS });
  expect(await deliver(first, { attempts: 2 })).toEqual({ retryInS: 3 * retryDelayS });
  expect(await deliver(first, { attempts: 3 })).toBe('acked');
  expect(await deliver(second)).toBe('acked');
  await advance(id);
  const lines = await linesOf(id);
  expect(lines.map(({ image }) => image)).toEqual(urls);
  expect(lines.map((line) => ('problem' in line ? line.problem.code : 'answer'))).toEqual([
    'answer',
    'blocked_target',
    'fetch_failed',
    'invalid_url',
    'answer',
  ]);
});

test('fails where the list of urls changes', async () => {
  await TEST_JOBS.put('urls/list.txt', `${host}/chelsea.jpg`);
  const { id } = await start({ urls: 'urls/list.txt' });
  await TEST_JOBS.put('urls/list.txt', `${host}/another.jpg`);
  await advance(id);
  expect(await show(id)).toMatchObject({
    status: 'failed',
    reason: 'The list urls/list.txt was changed or deleted while the job ran.',
  });
});

test('ends where it is cancelled', async () => {
  await putPhotos(7);
  const { id } = await start(photos);
  await advance(id);
  await deliver(sent.shift() as ChunkMessage);
  expect((await call(`/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(202);
  await deliverAll();
  await advance(id);
  expect(await show(id)).toMatchObject({ status: 'cancelled', images: { done: 3 } });
  expect(await codeOf(await call(`/jobs/${id}/cancel`, { method: 'POST' }))).toEqual([
    409,
    'conflict',
  ]);
  expect((await TEST_JOBS.list({ prefix: 'running/' })).objects).toEqual([]);
});

/** As R2 sends it. @see https://developers.cloudflare.com/r2/buckets/event-notifications/#message-format */

test('lets a key have so many jobs at a time, and see its own only', async () => {
  const { id } = await start(photos);
  await start(photos);
  const third = () => call('/jobs', { body: { source: photos } });
  expect(await codeOf(await third())).toEqual([429, 'rate_limited']);
  await advance(id);
  expect(await show(id)).toMatchObject({ status: 'done', images: { found: 0 } });
  expect((await third()).status).toBe(202);
  for (const [path, method] of [
    [`/jobs/${id}`, 'GET'],
    [`/jobs/${id}/results`, 'GET'],
    [`/jobs/${id}/cancel`, 'POST'],
    [`/jobs/${id}/retry`, 'POST'],
    ['/jobs/..%2f..%2fjobs', 'GET'],
  ] as const) {
    expect(await codeOf(await call(path, { key: 'theirs', method }))).toEqual([404, 'not_found']);
    expect((await call(path, { key: 'wrong', method })).status).toBe(401);
  }
});

test.each([
  [{ source: { bucket: 'jobs' } }, 'it has photos'],
  [{ source: { bucket: 'models' } }, 'it has photos'],
  [{ source: { urls: 'urls/none.txt' } }, 'a key that begins with urls/'],
  [{ source: { urls: 'jobs/x/job.json' } }, 'a key that begins with urls/'],
  [{ source: {} }, 'source'],
  [{ source: photos, top: 0 }, 'top'],
  [{ source: { urls: 'urls/list.txt' }, follow: true }, 'Expected a bucket with follow'],
  [{ source: photos, prefix: 'x' }, 'unknown field prefix'],
])('refuses %j', async (body, says) => {
  const response = await call('/jobs', { body });
  expect(response.status).toBe(400);
  expect(problem.parse(await response.json()).detail).toContain(says);
});

test('needs a key, also where the service is open, and the bindings', async () => {
  const { API_KEY_HASHES, JOBS_QUEUE, ...open } = bindings;
  const post = (all: Partial<Env>) =>
    ask(
      app,
      '/jobs',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ source: photos }),
      },
      all,
    );
  expect(await codeOf(await post({ ...open, JOBS_QUEUE }))).toEqual([503, 'misconfigured']);
  expect(await codeOf(await post(open))).toEqual([404, 'not_found']);
});
