import { readdir } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test, vi } from 'vitest';
import { nativeRecipe } from './native/native-recipe.ts';
import { startBackend } from './start-backend.ts';

let cache: string;

beforeEach(async () => {
  cache = await temporaryFolder();
  vi.stubEnv('GRAFT_CACHE', cache);
});

function product(): number[] {
  return tf.tidy(() => {
    const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    return [...tf.matMul(matrix, matrix).dataSync()];
  });
}

// The first to start WASM in this process, which keeps its threads.
test('uses as many threads as it is given', async () => {
  const { description } = await startBackend('wasm', vi.fn(), { threads: 2 });
  expect(description).toMatch(/on 2 cores$/);
});

test.each(['wasm', 'cpu'] as const)(
  'computes on %s when told to, and says nothing',
  async (name) => {
    const log = vi.fn();
    const warn = vi.spyOn(console, 'warn');
    expect(await startBackend(name, log)).toMatchObject({ name });
    expect(tf.getBackend()).toBe(name);
    expect(product()).toEqual([7, 10, 15, 22]);
    expect(log).not.toHaveBeenCalled();
    expect(warn).not.toHaveBeenCalled();
  },
);

test('falls back to WASM where there is no Python, in one line that says what is lost', async () => {
  vi.stubEnv('PATH', '');
  const log = vi.fn();
  expect(await startBackend('auto', log)).toMatchObject({ name: 'wasm' });
  expect(product()).toEqual([7, 10, 15, 22]);
  expect(log).toHaveBeenCalledOnce();
  expect(log).toHaveBeenCalledWith(expect.stringMatching(/Python 3.*Falling back to WASM/));
  expect(await readdir(cache)).toEqual([]);
});

test('names the command that sets CUDA up', async () => {
  await expect(startBackend('cuda', vi.fn())).rejects.toMatchObject({
    code: 'backend_unavailable',
    message: expect.stringMatching(
      process.platform === 'linux' ? /graft setup --cuda/ : /Linux on x64 only/,
    ),
  });
});

test('downloads nothing where that is not allowed', async () => {
  const probed = startBackend('native', vi.fn(), { install: false });
  await expect(probed).rejects.toMatchObject({ message: expect.stringContaining('graft setup') });
  expect(await readdir(cache)).toEqual([]);
});

test('fails when native is asked for by name and there is no Python', async () => {
  vi.stubEnv('PATH', '');
  await expect(startBackend('native', vi.fn())).rejects.toMatchObject({
    name: 'TrainerError',
    code: 'backend_unavailable',
  });
});

test('says that there is no native backend on Windows', () => {
  expect(() => nativeRecipe('win32', 'x64')).toThrow(
    expect.objectContaining({
      code: 'backend_unavailable',
      message: expect.stringContaining('win32'),
    }),
  );
});
