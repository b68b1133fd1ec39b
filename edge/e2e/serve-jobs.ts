import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type ClassifyResponse,
  classifyResponse,
  type JobLine,
  type JobResponse,
  jobLine,
  problem,
} from 'shared/contract/responses';
import { connectToJobs } from 'trainer/jobs/jobs-client';
import { experimental_readRawConfig } from 'wrangler';
import { withExtra } from '../deploy/extras-config.ts';
import { withEntry } from './serve.ts';

const edge = fileURLToPath(new URL('..', import.meta.url));
const key = 'a-key-of-the-tests';

/** The Worker with jobs under `wrangler dev`, whose buckets and Workflows outlive it. */
export interface ServedJobs {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  put(bucket: 'photos' | 'jobs', name: string, bytes: Uint8Array): Promise<void>;
  start(request: object): Promise<JobResponse>;
  show(id: string): Promise<JobResponse>;
  /** Follows a job to its end. */
  finish(id: string): Promise<JobResponse>;
  results(id: string): Promise<JobLine[]>;
  /** What `/classify` responds for an image, or the code of its problem. */
  classify(photo: Uint8Array, top: number): Promise<ClassifyResponse | string>;
  /** Ends workerd as a power failure would, and starts it again. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param folder keeps the configuration and what persists
 * @param chunkImages images in a message of the queue
 * @param pollMs how often the Workflow and whoever waits for a job look how far it is
 * @param assets folder of the Worker's files, which has its models
 */
export async function serveJobs(
  folder: string,
  chunkImages: number,
  pollMs = 300,
  assets = join(edge, 'public'),
): Promise<ServedJobs> {
  const config = await writeConfig(folder, chunkImages, pollMs, assets);
  let running = await startWrangler(config, folder);
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`${running.origin}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...init.headers },
    });
  // A restart moves it to another port.
  const client = () => connectToJobs(running.origin, key);
  const show = (id: string) => client().status(id);
  return {
    fetch: request,
    show,
    async put(bucket, name, bytes) {
      const response = await request(`/put/${bucket}/${name}`, {
        method: 'PUT',
        body: new Uint8Array(bytes),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    start: (body) => client().start(body),
    async finish(id) {
      while (true) {
        const job = await show(id);
        if (job.status !== 'running') return job;
        await sleep(pollMs);
      }
    },
    async results(id) {
      let text = '';
      for await (const part of client().results(id)) text += part;
      const lines = text.split('\n').filter(Boolean);
      return lines.map((line) => jobLine.parse(JSON.parse(line)));
    },
    async classify(photo, top) {
      const response = await request(`/classify?top=${top}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(photo),
      });
      const json: unknown = await response.json();
      return response.ok ? classifyResponse.parse(json) : problem.parse(json).code;
    },
    async killAndRestart() {
      await running.kill('SIGKILL');
      running = await startWrangler(config, folder);
    },
    close: () => running.kill('SIGKILL'),
  };
}

async function writeConfig(
  folder: string,
  chunkImages: number,
  pollMs: number,
  directory: string,
): Promise<string> {
  const file = join(edge, 'wrangler.jsonc');
  const { rawConfig } = experimental_readRawConfig({ config: file });
  const jobs = withExtra(withExtra(rawConfig, file, 'jobs'), file, 'search');
  const hash = createHash('sha256').update(key).digest('hex');
  const config = {
    ...withEntry(jobs, 'e2e/jobs-worker.ts'),
    assets: { ...rawConfig.assets, directory },
    vars: {
      ALLOW_LOOPBACK: '1',
      API_KEY_HASHES: hash,
      CHUNK_IMAGES: `${chunkImages}`,
      POLL_MS: `${pollMs}`,
    },
    r2_buckets: [...(jobs.r2_buckets ?? []), { binding: 'BUCKET_PHOTOS', bucket_name: 'photos' }],
    workflows: (jobs.workflows ?? []).map((workflow: object) => ({
      ...workflow,
      class_name: 'QuickJobWorkflow',
    })),
    queues: {
      ...jobs.queues,
      // Stands for R2, which sends no events under wrangler.
      producers: [...jobs.queues.producers, { binding: 'EVENTS', queue: 'graft-jobs-new' }],
    },
    // The tests ask more often than any host does.
    ratelimits: [],
  };
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'wrangler.json');
  await writeFile(path, JSON.stringify(config));
  return path;
}

interface Running {
  readonly origin: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function startWrangler(config: string, folder: string): Promise<Running> {
  const port = await freePort();
  const bin = join(edge, 'node_modules/wrangler/bin/wrangler.js');
  const options = ['--config', config, '--port', `${port}`, '--ip', '127.0.0.1'];
  const state = ['--persist-to', join(folder, 'state'), '--show-interactive-dev-session=false'];
  const child = spawn(process.execPath, [bin, 'dev', ...options, ...state, '--inspector-port=0'], {
    cwd: edge,
    // It writes a trace of each request to R2 to disk, in the thread of the Worker.
    env: { ...process.env, X_LOCAL_OBSERVABILITY: 'false' },
    // A group of its own, so that all of it is killed at once.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (data: Buffer) => {
      lines.push(`${data}`);
    });
  }
  const origin = `http://127.0.0.1:${port}`;
  const until = Date.now() + 60_000;
  while (true) {
    const response = await fetch(`${origin}/health`).catch(() => undefined);
    if (response?.ok) break;
    if (child.exitCode !== null || Date.now() > until) {
      await kill(child, 'SIGKILL');
      throw new Error(`wrangler dev did not start:\n${lines.join('')}`);
    }
    await sleep(200);
  }
  return { origin, kill: (signal) => kill(child, signal) };
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = once(child, 'exit');
  process.kill(-child.pid, signal);
  await closed;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
