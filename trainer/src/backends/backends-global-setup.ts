import type { TestProject } from 'vitest/node';
import { swiftshaderEnvironment } from '../../fixtures/swiftshader.ts';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { installNative } from './native/install-native.ts';
import { cudaRecipe, type NativeRecipe, nativeRecipe } from './native/native-recipe.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Which backends this machine can be given: `describe.skipIf(!inject('native'))`. */
    native: boolean;
    cuda: boolean;
    webgpu: boolean;
  }
}

/**
 * Vitest's global set-up: makes the backends once, before the test files that use them run side
 * by side. Where one cannot be made, says so and has its tests skipped, or fails if
 * `GRAFT_REQUIRE_BACKENDS` is set.
 */
export default async function setUpBackends({ provide }: TestProject): Promise<void> {
  provide('native', await isMade(nativeRecipe));
  // Without NVIDIA's libraries: the tests compute on the processor.
  provide('cuda', await isMade(() => cudaRecipe(false)));

  const environment = await swiftshaderEnvironment();
  if (environment === undefined) skip('There is no SwiftShader for this system.', 'webgpu');
  Object.assign(process.env, environment);
  provide('webgpu', environment !== undefined);
}

async function isMade(recipe: () => NativeRecipe): Promise<boolean> {
  try {
    await installNative(recipe(), { cache: cacheDirectory(), log: console.log });
    return true;
  } catch (error) {
    if (!(error instanceof TrainerError)) throw error;
    skip(error.message, recipe === nativeRecipe ? 'native' : 'cuda');
    return false;
  }
}

function skip(reason: string, backend: string): void {
  const line = `${reason} The tests of the backend ${backend} are skipped.`;
  if (process.env['GRAFT_REQUIRE_BACKENDS']) throw new Error(line);
  console.warn(`\n*** ${line}\n`);
}
