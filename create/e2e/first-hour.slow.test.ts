import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Registry, startRegistry } from './registry.ts';
import { writePhotos } from './write-photos.ts';

// As a new user would: the packed packages, npm, an empty home, and a folder outside of the repository.

const run = promisify(execFile);
/** Of the Worker, compressed. */
const MAX_WORKER_KIB = 750;

let root: string;
let registry: Registry;
let photos: string;
let cat: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'graft-first-hour-'));
  registry = await startRegistry(join(root, 'tarballs'));
  photos = join(root, 'originals/photos');
  cat = await writePhotos(photos);
});
afterAll(async () => {
  registry?.close();
  await rm(root, { recursive: true, force: true });
});

interface Place {
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A machine on which there is nothing but a Node and its npm. */
async function prepare(node: string): Promise<Place> {
  const place = await mkdtemp(join(root, 'place-'));
  const bin = join(place, 'bin');
  await mkdir(bin);
  await mkdir(join(place, 'home'));
  await symlink(node, join(bin, 'node'));
  const { stdout } = await run('sh', ['-c', 'readlink -f "$(command -v npm)"']);
  for (const name of ['npm', 'npx']) {
    const cli = join(dirname(stdout.trim()), `${name}-cli.js`);
    const script = `#!/bin/sh\nexec '${join(bin, 'node')}' '${cli}' "$@"\n`;
    await writeFile(join(bin, name), script);
    await chmod(join(bin, name), 0o755);
  }
  const { HOME = '', LANG, GRAFT_CACHE, NODE_EXTRA_CA_CERTS } = process.env;
  // What is downloaded once for a machine is not downloaded again for a test.
  const cache = GRAFT_CACHE ?? join(HOME, '.cache/graft');
  const env = {
    HOME: join(place, 'home'),
    PATH: `${bin}:/usr/bin:/bin`,
    GRAFT_CACHE: cache,
    npm_config_registry: registry.url,
    npm_config_yes: 'true',
    npm_config_update_notifier: 'false',
    ...(LANG && { LANG }),
    ...(NODE_EXTRA_CA_CERTS && { NODE_EXTRA_CA_CERTS }),
  };
  const create = ['create', 'graftjs@latest', 'my-classifier'];
  await run('npm', create, { cwd: place, env });
  return { project: join(place, 'my-classifier'), env };
}

/** The pinned Node, and the oldest that the packages support. */
async function findNode22(): Promise<string> {
  const folder = join(root, 'node-22');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  // Its install script puts the binary in place.
  await run('npm', ['install', 'node@22', '--no-audit', '--no-fund', '--foreground-scripts'], {
    cwd: folder,
  });
  const node = join(folder, 'node_modules/node/bin/node');
  if (!existsSync(node)) await run('npm', ['rebuild', 'node'], { cwd: folder });
  return node;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** Starts `npm run dev`, waits until it responds, and ends it after the work. */
async function whileServing(
  { project, env }: Place,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const args = ['run', 'dev', '--', '--port', `${port}`];
  // A group of its own, which ends as a whole.
  const dev: ChildProcess = spawn('npm', args, {
    cwd: project,
    env,
    detached: true,
    stdio: 'ignore',
  });
  try {
    const url = `http://127.0.0.1:${port}`;
    await expect
      .poll(
        () =>
          fetch(`${url}/health`).then(
            ({ status }) => status,
            () => 0,
          ),
        {
          timeout: 120_000,
          interval: 500,
        },
      )
      .toBe(200);
    await work(url);
  } finally {
    if (dev.pid !== undefined) process.kill(-dev.pid, 'SIGTERM');
    await once(dev, 'close');
  }
}

async function classifyCat(url: string): Promise<unknown> {
  const body = await readFile(cat);
  const headers = { 'content-type': 'image/jpeg' };
  const response = await fetch(`${url}/classify`, { method: 'POST', body, headers });
  const { model, predictions } = (await response.json()) as {
    model: { id: string };
    predictions: { label: string }[];
  };
  return { model: model.id, label: predictions[0]?.label };
}

describe.each([
  ['the pinned Node', async () => process.execPath],
  ['Node 22', findNode22],
])('on %s', (_, find) => {
  let place: Place;
  beforeAll(async () => {
    place = await prepare(await find());
  });

  const graft = (...args: string[]) =>
    run('npx', ['graft', ...args], { cwd: place.project, env: place.env });

  test('says what to do before there are photos, and refuses to train in one sentence', async () => {
    const { stdout } = await graft();
    expect(stdout).toContain('There are no photos here yet.');
    expect(stdout).toContain('\n  npx graft train\n');
    const refused = await graft('train').catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^Expected .*photos to hold a folder for each class/),
    ]);
  });

  test('trains on 60 photos and serves the model, as a Worker and as a part of another', async () => {
    const { project, env } = place;
    await cp(photos, join(project, 'photos'), { recursive: true });
    const short = ['--stage2.minSteps', '30', '--stage2.epochs', '1'];
    const { stdout } = await run('npm', ['run', 'train', '--', ...short], { cwd: project, env });
    expect(stdout).toContain('Next, try it in a browser: npx graft dev');
    expect(await readdir(join(project, 'public/models'))).toEqual(['index.json', 'my-classifier']);
    expect((await graft('runs')).stdout).toContain('photos');

    await whileServing(place, async (url) => {
      expect(await classifyCat(url)).toEqual({ model: 'my-classifier', label: 'cat' });
      expect(await (await fetch(url)).text()).toContain('Which class?');
    });

    await writeFile(
      join(project, 'src/index.ts'),
      `import { classifier, type Env } from '@graftjs/edge';
import { Hono } from 'hono';

const app = new Hono<{ Bindings: Env }>();
app.get('/health', (c) => c.text('mine'));
app.route('/vision', classifier({ limits: { maxBytes: 1_000_000 } }));
export default app;
`,
    );
    const config = join(project, 'wrangler.jsonc');
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('"/classify",', '"/vision/*",'));
    await whileServing(place, async (url) => {
      expect(await (await fetch(`${url}/health`)).text()).toBe('mine');
      expect(await classifyCat(`${url}/vision`)).toEqual({ model: 'my-classifier', label: 'cat' });
    });

    const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
    await run(process.execPath, [tsc, '-p', project]);
  });

  test('the Worker is as small as that of the checkout', async () => {
    const out = join(place.project, 'out');
    await graft('deploy', '--dry-run', '--outdir', out);
    const files = (await readdir(out)).filter((name) => /\.(js|wasm)$/.test(name));
    const sizes = await Promise.all(
      files.map(async (name) => gzipSync(await readFile(join(out, name))).length),
    );
    const kib = sizes.reduce((sum, size) => sum + size, 0) / 1024;
    expect(kib).toBeGreaterThan(100);
    expect(kib).toBeLessThanOrEqual(MAX_WORKER_KIB);
  });
});

test('no package leads to the workspace', async () => {
  expect([...registry.tarballs.keys()].toSorted()).toEqual([
    '@graftjs/edge',
    '@graftjs/shared',
    '@graftjs/trainer',
    'create-graftjs',
  ]);
  for (const path of registry.tarballs.values()) {
    const { stdout: manifest } = await run('tar', ['-xzOf', path, 'package/package.json']);
    expect(manifest).not.toContain('workspace:');
    const files = (await run('tar', ['-tzf', path])).stdout.split('\n');
    expect(files).toContain('package/LICENSE');
    expect(files).toContain('package/NOTICE');
    expect(
      files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file) && !/template/.test(file)),
    ).toEqual([]);
  }
});
