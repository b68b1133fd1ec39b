import { cacheDirectory } from './cache-directory.ts';
import { installNative } from './install-native.ts';
import { nativeRecipe } from './native-recipe.ts';

/** Vitest's global set-up: tests that compute natively find the backend made. */
export default async function setUpNative(): Promise<void> {
  const recipe = nativeRecipe();
  if (recipe) await installNative(recipe, { cache: cacheDirectory(), log: console.log });
}
