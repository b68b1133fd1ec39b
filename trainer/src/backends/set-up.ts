import { cacheDirectory } from '../files/cache-directory.ts';
import { installNative } from './native/install-native.ts';
import { cudaRecipe, type NativeKind, nativeRecipe } from './native/native-recipe.ts';
import { findNvidiaGpu } from './native/nvidia-gpu.ts';
import { startBackend } from './start-backend.ts';

/**
 * Makes a backend ahead of its first use, starts it and says what it computes on.
 *
 * @throws TrainerError `backend_unavailable`, `download_failed`, `disk_full`, `interrupted`
 */
export async function setUp(kind: NativeKind, log: (line: string) => void): Promise<void> {
  const gpu = kind === 'cuda' ? await findNvidiaGpu() : undefined;
  const recipe = kind === 'cuda' ? cudaRecipe(gpu !== undefined) : nativeRecipe();
  if (gpu) log(`Found ${gpu.name}, driver ${gpu.driver}.`);
  else if (kind === 'cuda') {
    log(
      "nvidia-smi finds no NVIDIA GPU, so NVIDIA's libraries (2.8 GB) are left out: run this again once there is one.",
    );
  }
  const folder = await installNative(recipe, { cache: cacheDirectory(), log });
  const { description } = await startBackend(kind, log);
  log(`Set up in ${folder}: ${description}.`);
}
