import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandsOf } from '../../docs/documented-commands.ts';
import { temporaryFolder } from '../../shared/test/folders/temporary-folder.ts';
import { type Registry, startRegistry } from './registry.ts';
import { writePhotos } from './write-photos.ts';

// As a new user would: the packed packages, npm, an empty home, and a folder outside of the repository.
// What is typed is what docs/first-hour.md shows.

const run = promisify(execFile);
/** Of the Worker, compressed. */
const MAX_WORKER_KIB = 750;

let root: string;
let registry: Registry;
let photos: string;
let cat: string;
let documented: readonly string[];

beforeAll(async () => {
  root = await temporaryFolder();
  registry = await startRegistry(join(root, 'tarballs'));
  photos = join(root, 'home/originals');
  cat = await writePhotos(photos);
  documented = await commandsOf('docs/first-hour.md');
});
afterAll(async () => {
  registry?.close();
});

interface Place {
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The page's command that begins so. */
function typed(begin: string): string {
  const command = documented.find((one) => one.startsWith(begin));
  if (!command) throw new Error(`Expected a command "${begin} …" in docs/first-hour.md.`);
  return command;
}

/** Runs a line of the page, with more options. */
function type(begin: string, { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }, more = '') {
  return run('sh', ['-c', `${typed(begin)} ${more}`], { cwd, env });
}

/** A machine on which there is nothing but a Node and its npm. */
async function prepare(node: string): Promise<Place> {
  const place = await mkdtemp(join(root, 'place-'));
  const bin = join(place, 'bin');
  await mkdir(bin);
  const home = join(place, 'home');
  await cp(dirname(photos), home, { recursive: true });
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
    HOME: home,
    PATH: `${bin}:/usr/bin:/bin`,
    GRAFT_CACHE: cache,
    npm_config_registry: registry.url,
    npm_config_yes: 'true',
    npm_config_update_notifier: 'false',
    ...(LANG && { LANG }),
    ...(NODE_EXTRA_CA_CERTS && { NODE_EXTRA_CA_CERTS }),
  };
  await type('npm create', { cwd: place, env });
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
  // A group of its own, which ends as a whole.
  const dev: ChildProcess = spawn('sh', ['-c', `${typed('npm run dev')} -- --port ${port}`], {
    cwd: project,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [dev.stdout, dev.stderr]) stream?.on('data', (text) => (printed += text));
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
    expect(printed, 'no stack traces').not.toMatch(/^ +at /m);
  } finally {
    if (dev.pid !== undefined) process.kill(-dev.pid, 'SIGTERM');
    await once(dev, 'close');
  }
}

/** Asks with curl, from the folder that the photo is in. */
async function classifyCat(url: string): Promise<unknown> {
  const curl = typed('curl').replace('http://localhost:8787', url);
  const { stdout } = await run('sh', ['-c', curl], { cwd: dirname(cat) });
  const { model, predictions } = JSON.parse(stdout) as {
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
    const { stdout } = await type('npx graft', { cwd: place.project, env: place.env });
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
    await type('cd my-classifier', { cwd: dirname(project), env });
    const short = '-- --stage2.minSteps 30 --stage2.epochs 1';
    const { stdout } = await type('npm run train', { cwd: project, env }, short);
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

  test('deploys with jobs', async () => {
    const out = join(place.project, 'out-with-jobs');
    const { stdout } = await graft('deploy', '--jobs', '--dry-run', '--outdir', out);
    for (const name of ['JOBS', 'JOBS_QUEUE', 'JOBS_WORKFLOW'])
      expect(stdout).toContain(`env.${name}`);
    expect(await readFile(join(out, 'with-jobs.js'), 'utf8')).toContain('JobWorkflow');
  });

  test('deploys with similar images', async () => {
    const out = join(place.project, 'out-with-search');
    const { stdout } = await graft('deploy', '--search', '--dry-run', '--outdir', out);
    expect(stdout).toContain('env.SEARCH');
    expect(await readFile(join(out, 'with-search.js'), 'utf8')).toContain('/similar');
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
