import { expect, onTestFinished, test } from 'vitest';
import { type Siege, startSiege } from './siege.ts';

const models = ['imagenet', 'cifar10', 'cifar10-fast'];

async function statusOf({ origin }: Siege, path: string, init: RequestInit = {}): Promise<number> {
  const headers = { 'cache-control': 'no-store' };
  const response = await fetch(origin + path, { headers, ...init });
  await response.body?.cancel();
  return response.status;
}

/** Requests each model with a url and with an upload. @returns the peak of memory */
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

test('idle uploads, slow hosts and hostile forms do not block other clients', async () => {
  const siege = await startSiege();
  onTestFinished(() => siege.close());
  // The memory of V8 grows at first, also because three models alternate in two places, and in steps of 50 MB.
  const quietMb = await serve(siege, 150);

  const uploads = [2, 2, 1000, 30_000].flatMap((bytes) => siege.uploadIdly(25, bytes));
  const slow = siege.askForSlowImages(50);
  const bombs = Array.from({ length: 10 }, () => siege.sendFormBomb());
  const mostMb = await serve(siege, 20);
  // The byte budget has room for a large file, since idle uploads take none of it.
  const large = { method: 'POST', body: Buffer.concat([siege.photo, Buffer.alloc(5_000_000)]) };
  expect(await statusOf(siege, '/classify', large)).toBe(200);

  expect(new Set(await Promise.all(bombs))).toEqual(new Set([400]));
  expect(new Set(await Promise.all(slow))).toEqual(new Set([504]));
  expect(new Set(await Promise.all(uploads))).toEqual(new Set(['HTTP/1.1 408 Request Timeout']));
  // Some 50 MB; a busy machine collects garbage later.
  expect(mostMb - quietMb).toBeLessThan(80);
}, 300_000);
