/**
 * Says which of the decoders' sources have a newer version in their registry:
 * `pnpm --filter shared decoders:newer`. Exits with 1 where there is one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dav1dBuild } from './dav1d/build.ts';
import { jpegBuild } from './jpeg/build.ts';
import { lcms2Build } from './lcms2/build.ts';
import { readRowsCrates } from './rows/build.ts';
import { newestSimde, newestVersion, simde } from './sources.ts';
import { webpBuild } from './webp/build.ts';

function compare(name: string, version: string, newest: string): void {
  const isNewer = newest !== version;
  if (isNewer) process.exitCode = 1;
  console.log(`${name} ${version}${isNewer ? `: ${newest} is newer` : ' is the newest'}`);
}

const scratch = await mkdtemp(join(tmpdir(), 'graft-newer-'));
try {
  const libraries = [jpegBuild, webpBuild, dav1dBuild, lcms2Build].map(({ source }) => source);
  for (const source of [...libraries, ...(await readRowsCrates())]) {
    compare(source.name, source.version, await newestVersion(source, scratch));
  }
  compare(simde.name, simde.version, await newestSimde());
} finally {
  await rm(scratch, { recursive: true });
}
