import { expect, test, vi } from 'vitest';
import { SharedResults } from './shared-results.ts';

const failure = () => Promise.reject(new Error('no'));

test('makes a result once, and again only after a failure', async () => {
  const results = new SharedResults<number>();
  const make = vi.fn(failure);
  const [first, second] = [results.get('a', make), results.get('a', make)];
  await expect(Promise.all([first, second])).rejects.toThrow('no');
  expect(make).toHaveBeenCalledTimes(1);
  expect(await results.get('a', async () => 1)).toBe(1);
  expect(await results.get('a', async () => 2)).toBe(1);
  expect(await results.get('b', async () => 3)).toBe(3);
});

test('keeps an expired result where it cannot be made anew', async () => {
  const results = new SharedResults<number>({ maxAgeMs: 10 });
  const clock = vi.spyOn(Date, 'now').mockReturnValue(0);
  expect(await results.get('a', async () => 1)).toBe(1);
  clock.mockReturnValue(10);
  expect(await results.get('a', failure)).toBe(1);
  clock.mockReturnValue(19);
  expect(await results.get('a', async () => 2)).toBe(1);
  clock.mockReturnValue(20);
  expect(await results.get('a', async () => 2)).toBe(2);
  clock.mockRestore();
});

test('shares a result of no age only while it is being made', async () => {
  const results = new SharedResults<number>({ maxAgeMs: 0 });
  const make = vi.fn(() => scheduler.wait(1).then(() => 1));
  expect(await Promise.all([results.get('a', make), results.get('a', make)])).toEqual([1, 1]);
  expect(make).toHaveBeenCalledTimes(1);
  await results.get('a', make);
  expect(make).toHaveBeenCalledTimes(2);
});

test('drops the result borrowed longest ago, and none that is borrowed', async () => {
  const dispose = vi.fn();
  const results = new SharedResults<string>({ dispose, whenFull: 'Too many are in use' });
  const lend = (key: string, use: (result: string) => unknown = () => undefined) =>
    results.lend(key, async () => key, 2, use);
  await lend('a');
  await lend('b');
  await lend('a');
  await lend('c');
  await vi.waitFor(() => expect(dispose.mock.calls).toEqual([['b']]));
  await lend('a', () =>
    lend('c', () =>
      expect(lend('d')).rejects.toMatchObject({
        code: 'overloaded',
        message: 'Too many are in use right now; try again in a second.',
      }),
    ),
  );
  await lend('d');
  await vi.waitFor(() => expect(dispose).toHaveBeenCalledTimes(2));
});
