import { expect, onTestFinished, test } from 'vitest';
import { type Siege, startSiege } from './siege.ts';

const models = ['imagenet', 'cifar10', 'cifar10-fast'];

async function statusOf({ origin }: Siege, path: string, init: RequestInit = {}): Promise<number> {
  const headers = { 'cache-control': 'no-store' };
  const response = await fetch(origin + path, { headers, ...init });
  await response.body?.cancel();
  return response.status;
}

/** Asks each model for what it fetches and for what it is sent. @returns the most memory meanwhile */
async function serve(siege: Siege, rounds: number): Promise<number> {
  let mostMb = 0;
  for (let round = 0; round < rounds; round++) {
    for (const model of models) {
      expect(await statusOf(siege, siege.askFor(model))).toBe(200);
      const upload = { method: 'POST', body: siege.photo };
      expect(await statusOf(siege, `/classify?model=${model}`, upload)).toBe(200);
      mostMb = Math.max(mostMb, siege.residentMb());
    }
  }
  return mostMb;
}

test('idle uploads, slow hosts and hostile forms lock nobody out', async () => {
  const siege = await startSiege();
  onTestFinished(() => siege.close());
  // V8 takes what it likes at first, and so it does where three models take turns in two places.
  await serve(siege, 60);
  const quietMb = await serve(siege, 20);

  const uploads = [2, 2, 1000, 30_000].flatMap((bytes) => siege.uploadIdly(25, bytes));
  const slow = siege.askForSlowImages(50);
  const bombs = Array.from({ length: 10 }, () => siege.sendFormBomb());
  const mostMb = await serve(siege, 20);
  // The memory for files has room for a large one, since idle uploads take none of it.
  const large = { method: 'POST', body: Buffer.concat([siege.photo, Buffer.alloc(5_000_000)]) };
  expect(await statusOf(siege, '/classify', large)).toBe(200);

  expect(new Set(await Promise.all(bombs))).toEqual(new Set([400]));
  expect(new Set(await Promise.all(slow))).toEqual(new Set([504]));
  expect(new Set(await Promise.all(uploads))).toEqual(new Set(['HTTP/1.1 408 Request Timeout']));
  expect(mostMb - quietMb).toBeLessThan(60);
}, 300_000);
