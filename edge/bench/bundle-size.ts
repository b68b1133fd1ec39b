import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles the Worker like a deployment. Models are assets and not part of the bundle. */
export async function measureBundle(): Promise<{ readonly gzipKib: number }> {
  const outdir = await mkdtemp(join(tmpdir(), 'graft-bundle-'));
  try {
    const wrangler = join(root, 'node_modules/.bin/wrangler');
    const run = ['deploy', '--dry-run', '--outdir', outdir];
    await promisify(execFile)(wrangler, run, { cwd: root });
    const names = (await readdir(outdir)).filter((name) => /\.(js|wasm)$/.test(name));
    const files = await Promise.all(names.map((name) => readFile(join(outdir, name))));
    const gzipBytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
    return { gzipKib: gzipBytes / 1024 };
  } finally {
    await rm(outdir, { recursive: true });
  }
}
