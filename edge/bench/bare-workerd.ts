import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import workerd from 'workerd';

const bench = fileURLToPath(new URL('.', import.meta.url));

/** The Worker in workerd alone. */
export interface BareWorker {
  /** As in `http://127.0.0.1:40001`. */
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Starts the benches' Worker as it would be deployed, without wrangler's proxy and inspector: they
 * hold some 50 KB of each request, whatever the Worker does, which would hide what it holds itself.
 * There is no Cache API here.
 *
 * @param assets the folder that it serves, with `models/`
 */
export async function startBareWorkerd(assets = join(bench, '../public')): Promise<BareWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-workerd-'));
  const wrangler = join(bench, '../node_modules/.bin/wrangler');
  await promisify(execFile)(wrangler, ['deploy', '--dry-run', '--outdir', folder], { cwd: bench });
  await writeFile(join(folder, 'config.capnp'), configOf(await readdir(folder), assets));
  // The one who embeds workerd learns from file descriptor 3 which port it took.
  const process = spawn(workerd.default, ['serve', '--control-fd=3', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const [message] = await once(process.stdio[3] as Readable, 'data');
  const { port } = JSON.parse(`${message}`) as { port: number };
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      process.kill();
      await once(process, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configOf(files: readonly string[], assets: string): string {
  const modules = files
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => `(name = "${name}", wasm = embed "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js"), ${modules.join(', ')}],
      compatibilityDate = "2026-11-02",
      bindings = [(name = "ASSETS", service = "public"), (name = "ALLOW_LOOPBACK", text = "1")],
      globalOutbound = "internet",
    )),
    (name = "public", disk = (path = "${assets}")),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}
