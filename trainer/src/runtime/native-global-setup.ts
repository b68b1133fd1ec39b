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
 * that use it run side by side. Where it cannot be made, says so and has those
 * tests skipped, or fails if `GRAFT_REQUIRE_NATIVE` is set.
 */
export default async function setUpNative({ provide }: TestProject): Promise<void> {
  try {
    await installNative(nativeRecipe(), { cache: cacheDirectory(), log: console.log });
    provide('native', true);
  } catch (error) {
    if (!(error instanceof TrainerError) || process.env['GRAFT_REQUIRE_NATIVE']) throw error;
    console.warn(`${error.message} The tests that need the native backend are skipped.`);
    provide('native', false);
  }
}
