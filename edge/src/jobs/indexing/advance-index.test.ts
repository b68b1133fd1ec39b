import { similarResponse } from 'shared/contract/responses';
import { readHeader } from 'shared/search/index-layout';
import { expect, test, vi } from 'vitest';
import {
  advance,
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
  started,
  TEST_JOBS,
  TEST_PHOTOS,
  TEST_SEARCH,
} from '../../../test/jobs.ts';
import type { Limits } from '../../limits.ts';
import { advanceJob } from '../advance-job.ts';
import { keys, readJsonObject } from '../job.ts';

clearJobs();

const NAMES = ['chelsea-224.png', 'coffee-224.png', 'rocket-224.png'];

/** @param index another one where `/similar` is asked, which keeps an index for a minute */
async function startIndex(index = 'photos'): Promise<string> {
  const body = { source: photos, model: 'imagenet', index };
  const response = await call('/jobs', { body });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

/** Advances a job until it has ended. */
async function finish(job: string, using: Limits = limits): Promise<void> {
  for (let step = 0; step < 20; step++) {
    const { status } = await advanceJob(bindings, { job, part: started.at(-1)?.part ?? 0 }, using);
    if (status !== 'running') return;
    await deliverAll();
  }
  throw new Error('The job does not end.');
}

const withIndexing = (some: Partial<Limits['jobs']['indexing']>): Limits => ({
  ...limits,
  jobs: { ...limits.jobs, indexing: { ...limits.jobs.indexing, ...some } },
});

async function indexFile(index = 'photos'): Promise<Uint8Array> {
  const object = await TEST_SEARCH.get(`${index}.index`);
  return new Uint8Array((await object?.arrayBuffer()) ?? []);
}

async function similarTo(name: string, index = 'photos') {
  const query = new URLSearchParams({ url: `${host}/${name}`, index, top: '9' });
  return similarResponse.parse(await (await call(`/similar?${query}`)).json()).matches;
}

test('ends with an index of the images that have an embedding, and names the others', async () => {
  for (const name of NAMES) await TEST_PHOTOS.put(`p/${name}`, await photo(name));
  await TEST_PHOTOS.put('p/broken', 'no image');
  const id = await startIndex();
  await finish(id);
  const job = await show(id);
  expect(job).toMatchObject({ status: 'done', index: 'photos', images: { done: 4, failed: 1 } });
  const lines = await linesOf(id);
  expect(lines).toMatchObject([
    { image: 'p/broken', problem: { code: 'unsupported_image' } },
    { image: 'p/chelsea-224.png', embedding: { format: 'int8', dimensions: 1280 } },
    { image: 'p/coffee-224.png' },
    { image: 'p/rocket-224.png' },
  ]);
  const { header } = readHeader(await indexFile());
  expect(header).toMatchObject({ model: job.model, count: 3, width: 1280, dimensions: 1280 });
  expect(await readJsonObject(TEST_JOBS, keys.manifest(id))).toMatchObject({
    index: 'photos.index',
  });
  const matches = await similarTo('coffee-224.png');
  expect(matches.map(({ image }) => image)).toContain('p/chelsea-224.png');
  expect(matches).toHaveLength(3);
  expect(matches[0]?.image).toBe('p/coffee-224.png');
  expect(matches[0]?.similarity).toBeGreaterThan(0.9995);
});

test('is the same index in many parts, delivered twice, with steps that are repeated', async () => {
  for (const [at, name] of [...NAMES, ...NAMES, 'chelsea.jpg', 'small.jpg'].entries())
    await TEST_PHOTOS.put(`p/${at}`, await photo(name));
  await finish(await startIndex());
  const once = await indexFile();
  expect(readHeader(once).header.count).toBe(8);
  const id = await startIndex();
  const small = withIndexing({ chunksPerPart: 1, partsPerStep: 1 });
  const step = () => advanceJob(bindings, { job: id, part: 0 }, small);
  const get = vi.spyOn(TEST_JOBS, 'get');
  await step();
  await Promise.all(sent.map((message) => deliver(message)));
  await deliverAll();
  let status = 'running';
  for (let steps = 0; status === 'running' && steps < 40; steps++) {
    const before = await (await TEST_JOBS.get(keys.state(id)))?.text();
    await step();
    // The instance ended before its state was written.
    await TEST_JOBS.put(keys.state(id), before ?? '');
    ({ status } = await step());
  }
  expect(status).toBe('done');
  expect(await indexFile()).toEqual(once);
  // A part has the codes of thousands of vectors, which are never in memory together.
  const ofParts = get.mock.calls.filter(([key]) => /\d\.index$/.test(key));
  expect(ofParts.length).toBeGreaterThan(8);
  for (const [, options] of ofParts) expect(options).toHaveProperty('range');
});

test('keeps the directions for which there is room', async () => {
  for (const [at, name] of [...NAMES, 'chelsea.jpg', 'small.jpg'].entries())
    await TEST_PHOTOS.put(`p/${at}`, await photo(name));
  const id = await startIndex('small');
  await finish(id, withIndexing({ vectorBytes: 5 * 16, chunksPerPart: 1 }));
  expect(readHeader(await indexFile('small')).header).toMatchObject({
    count: 5,
    width: 1280,
    dimensions: 16,
  });
  // Five vectors lie in five directions, so that nothing is lost.
  const matches = await similarTo('rocket-224.png', 'small');
  expect(matches[0]).toMatchObject({ image: 'p/2' });
  expect(matches[0]?.similarity).toBeGreaterThan(0.999);
  expect(matches[1]?.similarity).toBeLessThan(0.9);
});

test('a retry adds what had failed', async () => {
  for (const name of NAMES) await TEST_PHOTOS.put(`p/${name}`, await photo(name));
  const id = await startIndex();
  await advance(id);
  const [first, ...others] = sent.splice(0);
  if (!first) throw new Error('Expected a chunk.');
  expect(others).toEqual([]);
  vi.spyOn(TEST_PHOTOS, 'get').mockRejectedValue(new Error('R2 is away.'));
  vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(await deliver(first, { queue: 'graft-jobs-dead' })).toBe('acked');
  await finish(id);
  const { status, reason } = await show(id);
  expect([status, reason]).toEqual([
    'failed',
    'No image has an embedding, so that there is no index.',
  ]);
  vi.restoreAllMocks();

  await TEST_PHOTOS.put('p/a', await photo('small.jpg'));
  const again = await startIndex();
  await advance(again);
  const [chunk] = sent.splice(0, 1);
  if (!chunk) throw new Error('Expected a chunk.');
  await deliver(chunk, { queue: 'graft-jobs-dead' });
  await deliverAll();
  await finish(again);
  expect(readHeader(await indexFile()).header.count).toBe(1);
  await call(`/jobs/${again}/retry`, { method: 'POST' });
  await finish(again);
  expect(await show(again)).toMatchObject({ status: 'done', images: { done: 4, failed: 0 } });
  expect(readHeader(await indexFile()).header.count).toBe(4);
});

test('refuses more images than an index has room for', async () => {
  await putPhotos(4);
  const id = await startIndex();
  await finish(id, withIndexing({ maxImages: 3 }));
  const { status, reason } = await show(id);
  expect(status).toBe('failed');
  expect(reason).toContain('at most 3 images for an index');
});

test('needs the bucket of indexes, and follows no bucket', async () => {
  const body = { source: photos, index: 'photos' };
  expect(await codeOf(await call('/jobs', { body: { ...body, follow: true } }))).toEqual([
    400,
    'invalid_request',
  ]);
  expect(await codeOf(await call('/jobs', { body: { ...body, index: '../x' } }))).toEqual([
    400,
    'invalid_request',
  ]);
  const { SEARCH: _, ...without } = bindings;
  const response = await call('/jobs', { body }, { ...without, SEARCH: undefined } as never);
  expect(await codeOf(response)).toEqual([503, 'misconfigured']);
});
