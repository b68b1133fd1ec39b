import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Loaded with `require`, since vitest imports CommonJS differently than Node.
const require = createRequire(import.meta.url);
const { default: workerd } = require('workerd') as { default: string };

const bench = fileURLToPath(new URL('.', import.meta.url));

/** A bundled Worker that can be started any number of times. */
export interface BuiltWorker {
  start(): Promise<BareWorker>;
  remove(): Promise<void>;
}

/** A Worker in workerd without wrangler. */
export interface BareWorker {
  /** As in `http://127.0.0.1:40001`. */
  readonly origin: string;
  /** CPU milliseconds of all threads of the process since its start. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Builds and starts the Worker of the benches.
 *
 * @param assets the folder with the Worker's assets, `models/` among them
 */
export async function startBareWorkerd(assets?: string): Promise<BareWorker> {
  const built = await buildWorker('wrangler.jsonc', assets);
  const worker = await built.start();
  return {
    ...worker,
    async close() {
      await worker.close();
      await built.remove();
    },
  };
}

/**
 * Bundles a Worker for workerd without wrangler's proxy and inspector, which hold about 50 KB per request
 * and take longer than the Worker, and so would hide its own memory and time. There is no Cache API
 * here.
 *
 * @param config of this folder
 */
export async function buildWorker(
  config: string,
  assets = join(bench, '../public'),
): Promise<BuiltWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-workerd-'));
  const wrangler = join(bench, '../node_modules/.bin/wrangler');
  const run = ['deploy', '--dry-run', '--config', config, '--outdir', folder];
  await promisify(execFile)(wrangler, run, { cwd: bench });
  await writeFile(join(folder, 'config.capnp'), configOf(await readdir(folder), assets));
  return { start: () => start(folder), remove: () => rm(folder, { recursive: true }) };
}

async function start(folder: string): Promise<BareWorker> {
  // workerd writes its port to file descriptor 3.
  const runtime = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const ended = once(runtime, 'exit');
  const failed = ended.then(([code]) => Promise.reject(new Error(`workerd ended with ${code}.`)));
  const [message] = await Promise.race([once(runtime.stdio[3] as Readable, 'data'), failed]);
  failed.catch(() => undefined);
  const { port } = JSON.parse(`${message}`) as { port: number };
  return {
    origin: `http://127.0.0.1:${port}`,
    cpuMs: () => cpuMsOf(runtime.pid as number),
    async close() {
      runtime.kill();
      await ended;
    },
  };
}

/** Counted by Linux, in nanoseconds. */
async function cpuMsOf(id: number): Promise<number> {
  const threads = await readdir(`/proc/${id}/task`);
  const times = await Promise.all(
    threads.map(async (thread) => {
      const [running] = (await readFile(`/proc/${id}/task/${thread}/schedstat`, 'utf8')).split(' ');
      return Number(running) / 1e6;
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configOf(files: readonly string[], assets: string): string {
  const script = files.find((name) => name.endsWith('.js'));
  const modules = files
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => `(name = "${name}", wasm = embed "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${[`(name = "worker.js", esModule = embed "${script}")`, ...modules].join(', ')}],
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
