/**
 * Says which of the decoders' sources have a newer version in their registry:
 * `pnpm --filter shared decoders:newer`. Exits with 1 where there is one.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Crate, simde } from './compile-decoder.ts';
import { dav1dBuild } from './dav1d/build.ts';
import { jpegBuild } from './jpeg/build.ts';
import { lcms2Build } from './lcms2/build.ts';
import { readRowsCrates } from './rows/build.ts';
import { webpBuild } from './webp/build.ts';

const run = promisify(execFile);

/** @returns the newest version that crates.io has, without what it says of the library's own */
async function newestOf({ name }: Pick<Crate, 'name'>): Promise<string> {
  const { stdout } = await run('cargo', ['info', name, '--registry', 'crates-io']);
  const version = /^version: ([^\s+]+)/m.exec(stdout)?.[1];
  if (!version) throw new Error(`cargo says of no version of ${name}; look at it on crates.io.`);
  return version;
}

/** @returns the newest version that PyPI has */
async function newestHeaders({ name }: typeof simde): Promise<string> {
  const { stdout } = await run('python3', ['-m', 'pip', 'index', 'versions', name]);
  return /\(([^)]+)\)/.exec(stdout)?.[1] ?? '';
}

function compare({ name, version }: Pick<Crate, 'name' | 'version'>, newest: string): void {
  const isNewer = newest !== version;
  if (isNewer) process.exitCode = 1;
  console.log(`${name} ${version}${isNewer ? `: ${newest} is newer` : ' is the newest'}`);
}

const crates = [jpegBuild, webpBuild, dav1dBuild, lcms2Build].map(({ crate }) => crate);

for (const crate of [...crates, ...(await readRowsCrates())]) {
  compare(crate, await newestOf(crate));
}
compare(simde, await newestHeaders(simde));
