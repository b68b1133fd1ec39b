import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { makeBadImages } from '../make-bad-images.ts';
import { makeImages } from '../make-images.ts';
import { makePolicyImages } from '../make-policy-images.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with the files of `make-images.ts`, `make-bad-images.ts` and `make-policy-images.ts`. */
    imageFolder: string;
  }
}

/** Makes the image files before the tests run; `read-image.ts` reads them. */
export default async function makeImageFolder(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-images-'));
  const good = await makeImages();
  const all = [...good, ...makeBadImages(good), ...(await makePolicyImages())];
  for (const [name, file] of all) {
    await writeFile(join(folder, name), file);
  }
  project.provide('imageFolder', folder);
  return () => rm(folder, { recursive: true });
}
