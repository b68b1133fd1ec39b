import { type JobLine, jobResponse } from 'shared/contract/responses';
import { expect, test, vi } from 'vitest';
import {
  advance,
  call,
  clearJobs,
  deliver,
  deliverAll,
  limits,
  linesOf,
  photo,
  photos,
  putPhotos,
  show,
  TEST_JOBS,
  TEST_PHOTOS,
} from '../../../test/jobs.ts';
import type { ObjectEvent } from '../../env.ts';
import { keys } from '../job.ts';

clearJobs();

async function eventOf(key: string, action = 'PutObject') {
  const object = await TEST_PHOTOS.head(key);
  return {
    account: '3f4b7e3dcab231cbfdaa90a6a28bd548',
    action,
    bucket: 'my-photos',
    object: { key, size: object?.size ?? 0, eTag: object?.etag ?? '' },
    eventTime: '2026-11-27T01:23:45.678Z',
  };
}

test('classifies what comes into the bucket later, each image once, until it is cancelled', async () => {
  await putPhotos(4);
  const response = await call('/jobs', { body: { source: photos, top: 1, follow: true } });
  const { id, follows } = jobResponse.parse(await response.json());
  expect(follows).toBe(true);
  const listed = await eventOf('p/1');
  // Before the bucket has been listed, the message waits.
  expect(await deliver(listed)).toEqual({ retryInS: limits.jobs.retryDelayS });
  await advance(id);
  await deliverAll();
  expect((await advance(id)).status).toBe('done');
  const before = await linesOf(id);

  const settle = async (event: ObjectEvent, attempts = 1) =>
    expect(await deliver(event, { attempts })).toBe('acked');
  await settle(listed, 2);
  await TEST_PHOTOS.put('p/0-new', await photo());
  await TEST_PHOTOS.put('p/9-broken', 'no image');
  await TEST_PHOTOS.put('elsewhere/new', await photo());
  const replaced = await eventOf('p/0-new');
  await TEST_PHOTOS.put('p/0-new', await photo('small.jpg'));
  for (const key of ['p/0-new', 'p/9-broken', 'elsewhere/new', 'p/0-new']) {
    await settle(await eventOf(key));
  }
  await settle(replaced);
  await settle(await eventOf('p/2', 'DeleteObject'));
  await TEST_PHOTOS.delete('p/3');
  await settle(await eventOf('p/3'));

  expect(await linesOf(id)).toEqual(before);
  const first = await call(`/jobs/${id}/results`);
  const path = /<([^>]*)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  await first.body?.cancel();
  const later = (await (await call(path)).text()).trim().split('\n').sort();
  const lines = later.map((line) => JSON.parse(line) as JobLine);
  expect(lines.map(({ image }) => image)).toEqual(['p/0-new', 'p/9-broken']);
  const small = (await photo('small.jpg')).byteLength;
  expect(lines).toMatchObject([
    { answer: { image: { bytes: small } } },
    { problem: { code: 'unsupported_image' } },
  ]);

  expect((await call(`/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(202);
  expect(await show(id)).toMatchObject({ status: 'done', follows: false });
  expect((await TEST_JOBS.list({ prefix: 'following/' })).objects).toEqual([]);
  await TEST_PHOTOS.put('p/too-late', await photo());
  await settle(await eventOf('p/too-late'));
  expect((await TEST_JOBS.list({ prefix: keys.later(id) })).objects).toHaveLength(2);
});

test('tries a later image three times, and leaves none without a line', async () => {
  const response = await call('/jobs', { body: { source: photos, follow: true } });
  const { id } = jobResponse.parse(await response.json());
  await advance(id);
  const get = TEST_PHOTOS.get.bind(TEST_PHOTOS);
  vi.spyOn(TEST_PHOTOS, 'get').mockRejectedValue(new Error('R2 is away.'));
  vi.spyOn(console, 'error').mockImplementation(() => {});
  await TEST_PHOTOS.put('p/new', await photo());
  const event = await eventOf('p/new');
  for (const attempts of [1, 2]) expect(await deliver(event, { attempts })).not.toBe('acked');
  expect(await deliver(event, { attempts: 3 })).toBe('acked');
  const lineOf = async () => {
    const [object] = (await TEST_JOBS.list({ prefix: keys.later(id) })).objects;
    return JSON.parse((await (await TEST_JOBS.get(object?.key ?? ''))?.text()) ?? '') as JobLine;
  };
  expect(await lineOf()).toMatchObject({ image: 'p/new', problem: { code: 'internal' } });
  // An image that has ended the isolate three times is not tried again.
  vi.spyOn(TEST_PHOTOS, 'get').mockImplementation(get as typeof TEST_PHOTOS.get);
  await TEST_PHOTOS.put('p/new', await photo('small.jpg'));
  expect(await deliver(await eventOf('p/new'), { attempts: 4 })).toBe('acked');
  expect(await lineOf()).toMatchObject({ problem: { detail: /each time/ } });
  // Nor is one that no delivery could take.
  await TEST_PHOTOS.put('p/dead', await photo());
  expect(await deliver(await eventOf('p/dead'), { queue: 'graft-jobs-dead' })).toBe('acked');
  expect((await TEST_JOBS.list({ prefix: keys.later(id) })).objects).toHaveLength(2);
});
