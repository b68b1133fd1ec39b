import type { Env } from '../src/env.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('../src/index.ts');
    }
    interface Env extends WorkerEnv {
      /** See vitest.config.ts. */
      readonly TEST_MODELS: R2Bucket;
      readonly TEST_JOBS: R2Bucket;
      readonly TEST_PHOTOS: R2Bucket;
      readonly TEST_FEEDBACK: R2Bucket;
      readonly TEST_SEARCH: R2Bucket;
      readonly TEST_IMAGES: ImagesBinding;
    }
  }
}
type WorkerEnv = Env;
