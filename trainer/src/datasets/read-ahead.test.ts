import type { Image } from 'shared/images/image';
import { expect, test } from 'vitest';
import { ReadAhead } from './read-ahead.ts';

const imageOf = (index: number): Image => ({
  width: 1,
  height: 1,
  channels: 3,
  data: Uint8Array.of(index, 0, 0),
});

function reader() {
  const read: number[] = [];
  const ahead = new ReadAhead(async (index) => {
    read.push(index);
    if (index === 13) throw new Error('broken');
    return imageOf(index);
  });
  const take = async (index: number) => (await ahead.take(index, 8)).data[0];
  return { read, ahead, take };
}

const range = (begin: number, length: number) => Array.from({ length }, (_, at) => begin + at);

test('reads each image once, before it is asked for, in the order asked for', async () => {
  const { read, ahead, take } = reader();
  ahead.prefetch([3, 1], 8);
  expect(read).toEqual([3, 1]);
  ahead.prefetch([2], 8);
  expect([await take(3), await take(1), await take(2)]).toEqual([3, 1, 2]);
  expect(read).toEqual([3, 1, 2]);
  // Not expected, and expected but taken already.
  expect([await take(5), await take(2)]).toEqual([5, 2]);
  expect(read).toEqual([3, 1, 2, 5, 2]);
});

test('reads an image for each size that it is asked for', async () => {
  const read: string[] = [];
  const ahead = new ReadAhead(async (index, size) => {
    read.push(`${index} for ${size}`);
    return imageOf(size);
  });
  ahead.prefetch([3], 8);
  ahead.prefetch([3], 16);
  expect((await ahead.take(3, 16)).data[0]).toBe(16);
  expect((await ahead.take(3, 8)).data[0]).toBe(8);
  expect(read).toEqual(['3 for 8', '3 for 16']);
});

test('reads the same image as often as it is asked for', async () => {
  const { take, ahead } = reader();
  ahead.prefetch([4, 4], 8);
  expect([await take(4), await take(4)]).toEqual([4, 4]);
});

test('holds no more than it may, and goes on as images are taken', async () => {
  const { read, ahead, take } = reader();
  ahead.prefetch(range(20, 64), 8);
  expect(read).toHaveLength(32);
  await take(20);
  expect(read).toHaveLength(33);
  // Not its turn yet: it is read at once, and not again.
  expect(await take(83)).toBe(83);
  for (const index of range(21, 62)) await take(index);
  expect(read.toSorted((a, b) => a - b)).toEqual(range(20, 64));
});

test('forgets what nobody came for', async () => {
  const { read, ahead, take } = reader();
  ahead.prefetch(range(20, 40), 8);
  ahead.prefetch(range(60, 40), 8);
  ahead.prefetch(range(100, 40), 8);
  ahead.prefetch(range(140, 40), 8);
  expect(read.slice(-32)).toEqual(range(100, 32));
  expect(await take(100)).toBe(100);
});

test('keeps an error for who asks for the image', async () => {
  const { ahead, take } = reader();
  ahead.prefetch([12, 13, 14], 8);
  expect(await take(12)).toBe(12);
  await expect(take(13)).rejects.toThrow('broken');
  expect(await take(14)).toBe(14);
});
