import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { describe, expect, inject, test } from 'vitest';
import { cacheDirectory } from '../../files/cache-directory.ts';
import { findInstalled } from './install-native.ts';
import { startNativeBackend } from './native-backend.ts';
import { addonNames, nativeRecipe, prebuiltFolder } from './native-recipe.ts';

// In a file, and so in a process, of its own: TensorFlow is loaded from one place only.
describe.skipIf(!inject('native'))("the package's own library", () => {
  test('is found where its install script puts it, and computes', async () => {
    const made = (await findInstalled(nativeRecipe(), cacheDirectory())) as string;
    const tfjsNode = await temporaryFolder();
    expect(prebuiltFolder(tfjsNode)).toBeUndefined();

    const folder = join(tfjsNode, 'lib', 'napi-v8');
    await mkdir(folder, { recursive: true });
    const names = (await readdir(made)).filter((name) => name !== addonNames.quietStart);
    for (const name of names) await symlink(join(made, name), join(folder, name));
    expect(prebuiltFolder(tfjsNode)).toBe(folder);

    const { version, onGpu } = await startNativeBackend({ kind: 'native', folder, threads: 1 });
    expect({ version, onGpu }).toEqual({ version: expect.stringMatching(/^2\./), onGpu: false });
    expect([...tf.tidy(() => tf.scalar(2).mul(3).dataSync())]).toEqual([6]);
    await expect(
      startNativeBackend({ kind: 'native', folder: made, threads: 1 }),
    ).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('one TensorFlow'),
    });
  });
});
