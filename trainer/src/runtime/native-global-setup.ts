import type { TestProject } from 'vitest/node';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from './cache-directory.ts';
import { installNative } from './install-native.ts';
import { nativeRecipe } from './native-recipe.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether this machine can compute natively: `test.skipIf(!inject('native'))`. */
    native: boolean;
  }
}

/**
 * Vitest's global set-up: makes the native backend once, before the test files
 * that use it run side by side. Where it cannot be made, says so.
 */
export default async function setUpNative({ provide }: TestProject): Promise<void> {
  const recipe = nativeRecipe();
  try {
    if (recipe) await installNative(recipe, { cache: cacheDirectory(), log: console.log });
    provide('native', recipe !== undefined);
  } catch (error) {
    if (!(error instanceof TrainerError)) throw error;
    console.warn(`${error.message} The tests that need the native backend are skipped.`);
    provide('native', false);
  }
}
