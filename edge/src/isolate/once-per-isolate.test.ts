import { expect, test, vi } from 'vitest';
import { oncePerIsolate } from './once-per-isolate.ts';

const failure = () => Promise.reject(new Error('no'));

test('shares a load, and tries again only where it failed', async () => {
  const load = vi.fn(failure);
  const [first, second] = [oncePerIsolate('shared', load), oncePerIsolate('shared', load)];
  await expect(Promise.all([first, second])).rejects.toThrow('no');
  expect(load).toHaveBeenCalledTimes(1);
  expect(await oncePerIsolate('shared', async () => 1)).toBe(1);
  expect(await oncePerIsolate('shared', async () => 2)).toBe(1);
});

test('keeps what it has where loading it anew fails', async () => {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(0);
  expect(await oncePerIsolate('aging', async () => 1, 10)).toBe(1);
  clock.mockReturnValue(10);
  expect(await oncePerIsolate('aging', failure, 10)).toBe(1);
  clock.mockReturnValue(19);
  expect(await oncePerIsolate('aging', async () => 2, 10)).toBe(1);
  clock.mockReturnValue(20);
  expect(await oncePerIsolate('aging', async () => 2, 10)).toBe(2);
  clock.mockRestore();
});
