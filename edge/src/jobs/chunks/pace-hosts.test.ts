import { expect, test, vi } from 'vitest';
import {
  advance,
  bindings,
  clearJobs,
  deliver,
  deliverAll,
  host,
  limits,
  linesOf,
  sent,
  show,
  start,
  TEST_JOBS,
} from '../../../test/jobs.ts';
import type { ChunkMessage } from '../../env.ts';

clearJobs();

test('puts off the rest of a chunk where a host is asked too often', async () => {
  await TEST_JOBS.put('urls/list.txt', `${host}/chelsea.jpg`);
  const { id } = await start({ urls: 'urls/list.txt' });
  await advance(id);
  const [message] = sent.splice(0) as [ChunkMessage];
  const limit = vi.fn(async () => ({ success: false }));
  Object.assign(bindings, { HOST_RATE_LIMITER: { limit } });
  const hasty = { ...limits, jobs: { ...limits.jobs, chunkMs: 50 } };
  expect(await deliver(message, { using: hasty })).toBe('acked');
  expect(limit).toHaveBeenCalledWith({ key: new URL(host).hostname });
  // A new message, which was tried no time yet.
  expect(sent).toEqual([message]);
  limit.mockResolvedValue({ success: true });
  await deliverAll();
  await advance(id);
  expect(await show(id)).toMatchObject({ status: 'done', images: { done: 1, failed: 0 } });
});

test('lets a host rest that fails, and asks the others', async () => {
  // A name that no other test asks, since the clock below decides when it is asked next.
  const urls = Array.from({ length: 8 }, (_, i) => `http://localhost:1/${i}.jpg`);
  const other = `${host}/small.jpg`;
  const list = [...urls.slice(0, 6), other, ...urls.slice(6)];
  await TEST_JOBS.put('urls/list.txt', list.join('\n'));
  const patient = { ...limits, jobs: { ...limits.jobs, chunkImages: 9, hostRestMs: 60_000 } };
  const one = { ...patient, batchConcurrency: 1 };
  const asked = vi.spyOn(globalThis, 'fetch');
  const { id } = await start({ urls: 'urls/list.txt' });
  await advance(id);
  const [message] = sent.splice(0, Infinity) as [ChunkMessage];
  const deliverTo = (attempts: number) => deliver(message, { attempts, using: one });
  const count = () => asked.mock.calls.filter(([url]) => `${url}`.includes(':1/')).length;
  expect(await deliverTo(1)).not.toBe('acked');
  expect(count()).toBe(limits.jobs.maxHostFailures);
  expect(await deliverTo(2)).not.toBe('acked');
  expect(count()).toBe(limits.jobs.maxHostFailures);
  // When it has rested, one request finds that it still fails.
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + 60_001);
  expect(await deliverTo(3)).toBe('acked');
  expect(count()).toBe(limits.jobs.maxHostFailures + 1);
  const lines = await linesOf(id);
  expect(lines.map(({ image }) => image)).toEqual(list);
  const details = lines.flatMap((line) => ('problem' in line ? line.problem.detail : []));
  expect(details.filter((detail) => detail.includes('failed 6 times in a row'))).toHaveLength(7);
  expect(lines[6]).toMatchObject({ answer: {} });
});

test('asks a host at a pace', async () => {
  const urls = Array.from({ length: 3 }, () => `${host}/small.jpg`);
  await TEST_JOBS.put('urls/list.txt', urls.join('\n'));
  const slow = { ...limits, jobs: { ...limits.jobs, hostIntervalMs: 100 } };
  const { id } = await start({ urls: 'urls/list.txt' });
  await advance(id);
  const begin = performance.now();
  expect(await deliver(sent[0] as ChunkMessage, { using: slow })).toBe('acked');
  expect(performance.now() - begin).toBeGreaterThan(195);
});
