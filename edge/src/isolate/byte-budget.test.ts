import { expect, test } from 'vitest';
import { type ByteBudget, withByteBudget } from './byte-budget.ts';

test('limits the bytes of all requests together, and gets them back', async () => {
  let finish = (): void => {};
  const held = withByteBudget(100, (budget: ByteBudget) => {
    budget.take(60);
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  const another = (bytes: number): Promise<string> =>
    withByteBudget(100, async (budget) => {
      budget.take(bytes);
      return 'taken';
    });
  expect(await another(40)).toBe('taken');
  await expect(another(41)).rejects.toMatchObject({
    code: 'overloaded',
    headers: { 'retry-after': '1' },
  });
  // Work that failed has returned its bytes.
  expect(await another(40)).toBe('taken');
  finish();
  await held;
  expect(await another(100)).toBe('taken');
});
