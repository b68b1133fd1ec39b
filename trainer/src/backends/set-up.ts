import { cacheDirectory } from '../files/cache-directory.ts';
import { installNative } from './native/install-native.ts';
import { cudaRecipe, type NativeKind, nativeRecipe } from './native/native-recipe.ts';
import { findNvidiaCard } from './native/nvidia-card.ts';
import { startBackend } from './start-backend.ts';

/**
 * Makes a backend ahead of its first use, starts it and says what it computes on.
 *
 * @throws TrainerError `backend_unavailable`, `download_failed`, `disk_full`, `interrupted`
 */
export async function setUp(kind: NativeKind, log: (line: string) => void): Promise<void> {
  const card = kind === 'cuda' ? await findNvidiaCard() : undefined;
  const recipe = kind === 'cuda' ? cudaRecipe(card !== undefined) : nativeRecipe();
  if (card) log(`Found ${card.name}, driver ${card.driver}.`);
  else if (kind === 'cuda') {
    log(
      "nvidia-smi finds no NVIDIA card, so NVIDIA's libraries (2.8 GB) are left out: run this again once there is one.",
    );
  }
  const folder = await installNative(recipe, { cache: cacheDirectory(), log });
  const { description } = await startBackend(kind, log);
  log(`Set up in ${folder}: ${description}.`);
}
