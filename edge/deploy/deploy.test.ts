import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

// The real wrangler with a server on loopback in place of Cloudflare's API.

const edge = fileURLToPath(new URL('..', import.meta.url));
let api: Server | undefined;

afterEach(() => {
  api?.closeAllConnections();
  api?.close();
});

interface Account {
  readonly isPaid?: boolean;
  readonly secrets?: readonly string[];
  readonly isDown?: boolean;
}

interface Deployed {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: string;
  /** The `cpu_ms` of each upload. */
  readonly limits: readonly (string | undefined)[];
  /** The names of the queues and buckets that were made. */
  readonly made: readonly string[];
  /** The names of the bindings in the last upload. */
  readonly bindings: readonly string[];
}

async function deploy(account: Account, ...args: readonly string[]): Promise<Deployed> {
  const limits: (string | undefined)[] = [];
  const made: string[] = [];
  let bindings: string[] = [];
  api = createServer(async (request, response) => {
    const body = (await buffer(request)).toString('latin1');
    const { method, url = '' } = request;
    const isUpload = method === 'PUT' && /\/scripts\/graft\?/.test(url);
    const limit = /"cpu_ms":(\d+)/.exec(body)?.[1];
    if (isUpload) limits.push(limit);
    const fail = (code: number, message: string, status = 400) => {
      const errors = [{ code, message }];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ success: false, errors, messages: [], result: null }));
    };
    if (isUpload) bindings = [...body.matchAll(/"name":"([A-Z_]+)"/g)].map(([, name = '']) => name);
    const [, resource] = /\/(queues|r2\/buckets)$/.exec(url) ?? [];
    if (method === 'POST' && resource) {
      const { queue_name, name } = JSON.parse(body) as { queue_name?: string; name?: string };
      if (name === 'graft-jobs')
        return fail(10_004, 'The bucket you tried to create already exists, and you own it.');
      made.push(queue_name ?? name ?? '');
    }
    // It is the first time.
    if (url.includes('/services/')) return fail(10_090, 'No such service.', 404);
    if (method === 'GET' && url.includes('/workflows/')) return fail(10_200, 'No such one.', 404);
    if (isUpload && account.isDown) return fail(10_013, 'Not now.');
    if (isUpload && limit && !account.isPaid) return fail(100_328, 'CPU limits are not supported.');
    const secrets = (account.secrets ?? []).map((name) => ({ name, type: 'secret_text' }));
    const names = new URL(url, 'http://api').searchParams.getAll('name');
    const queues = names.map((queue_name, index) => ({
      ...{ queue_id: `${index}`, queue_name },
      ...{ producers: [], consumers: [] },
    }));
    const lists = { '/secrets': secrets, '/consumers': [] };
    const list = Object.entries(lists).find(([end]) => method === 'GET' && url.endsWith(end))?.[1];
    const result = names.length
      ? queues
      : (list ?? {
          bindings: [],
          deployments: [],
          items: [],
          subdomain: 'acme',
          enabled: true,
          jwt: 'a.b.c',
          buckets: [],
        });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
  });
  await new Promise<void>((listening) => api?.listen(0, '127.0.0.1', listening));
  const { port } = api.address() as AddressInfo;
  const child = spawn(process.execPath, [join(edge, 'deploy/deploy.ts'), ...args], {
    cwd: edge,
    env: {
      ...process.env,
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [[code], output, errors] = await Promise.all([
    once(child, 'close'),
    buffer(child.stdout),
    buffer(child.stderr),
  ]);
  expect(existsSync(join(edge, 'wrangler.deploy.json'))).toBe(false);
  return {
    code: code as number,
    lines: `${output}`.trim().split('\n'),
    errors: `${errors}`,
    limits,
    made,
    bindings,
  };
}

test('deploys with a CPU limit where the plan allows one, and reports what is open', async () => {
  const { code, lines, limits } = await deploy({ isPaid: true });
  expect(code).toBe(0);
  expect(limits).toEqual(['20000']);
  expect(lines.at(-2)).toBe(
    'Open to everyone: /classify and /classify/batch, for images from any public host; requests are ' +
      'limited to 100 in 60 s by RATE_LIMITER, 300 in 60 s by HOST_RATE_LIMITER.',
  );
  expect(lines.at(-1)).toContain('pnpm --filter edge exec wrangler secret put API_KEY_HASHES');
});

test('deploys without it on the free plan, and reports what restricts access', async () => {
  const { code, lines, errors, limits } = await deploy({ secrets: ['URL_SIGNING_KEY', 'OTHER'] });
  expect(code).toBe(0);
  expect(limits).toEqual(['20000', undefined]);
  expect(errors).toBe('');
  expect(lines.at(-2)).toMatch(/^Closed: .* URL_SIGNING_KEY /);
  expect(lines.at(-1)).toContain('wrangler secret delete URL_SIGNING_KEY');
});

test('adds nothing to the output of wrangler where the deployment fails', async () => {
  const { code, lines, errors, limits } = await deploy({ isDown: true });
  expect(code).toBe(1);
  expect(limits).toHaveLength(1);
  expect(errors + lines.join()).toContain('Not now.');
  expect(lines.join()).not.toContain('Open to everyone');
});

test('accepts the options of wrangler', async () => {
  const { code, lines, limits } = await deploy({}, '--dry-run');
  expect(code).toBe(0);
  expect(limits).toEqual([]);
  expect(lines.at(-1)).toContain('--dry-run');
});

test('deploys with jobs, and makes the queues that they need', async () => {
  const { code, errors, made, bindings, limits } = await deploy({ isPaid: true }, '--jobs');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(made).toEqual(['graft-jobs-dead', 'graft-jobs-new', 'graft-jobs']);
  expect(bindings).toEqual(expect.arrayContaining(['JOBS', 'JOBS_QUEUE', 'JOBS_WORKFLOW']));
  expect(limits).toEqual(['300000']);
});

test('deploys with similar images, and makes the bucket of indexes', async () => {
  const { code, errors, made, bindings, limits } = await deploy({ isPaid: true }, '--search');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(made).toEqual(['graft-search']);
  expect(bindings).toContain('SEARCH');
  expect(bindings).not.toContain('JOBS');
  expect(limits).toEqual(['20000']);
});

test('deploys with both, whose entry is that of similar images', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graft-deploy-test-'));
  try {
    const all = ['--search', '--jobs', '--dry-run', '--outdir', folder];
    const { code, lines } = await deploy({}, ...all);
    expect(code).toBe(0);
    for (const name of ['JOBS', 'JOBS_QUEUE', 'JOBS_WORKFLOW', 'SEARCH'])
      expect(lines.join()).toContain(`env.${name}`);
    expect(await readdir(folder)).toContain('with-search.js');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('refuses what a configuration of its own must have', async () => {
  const { code, errors } = await deploy({}, '--search', '--config', 'mine.jsonc');
  expect(code).toBe(1);
  expect(errors).toContain('Expected --search without --config');
});

test('deploys without jobs and similar images unless they are asked for', async () => {
  const { made, bindings } = await deploy({ isPaid: true });
  expect(made).toEqual([]);
  expect(bindings).toContain('ASSETS');
  expect(bindings).not.toContain('JOBS');
  expect(bindings).not.toContain('SEARCH');
});
