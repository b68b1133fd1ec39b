/** Builds what this package publishes, the page of the Worker among it: `prepack` runs it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPackage } from '../../pack/build-package.ts';
import { copyPage } from '../src/write-project.ts';

const folder = join(import.meta.dirname, '..');

await buildPackage(folder);
await rm(join(folder, 'page'), { recursive: true, force: true });
await copyPage(join(folder, 'page'));
