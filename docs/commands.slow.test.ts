import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocket } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writePhotos } from '../create/e2e/write-photos.ts';
import { temporaryFolder } from '../shared/test/folders/temporary-folder.ts';
import { allCommands } from '../trainer/src/cli/all-commands.ts';
import { explained, type Run, runs, servers } from './command-checks.ts';
import { root } from './documented-commands.ts';

// The commands in the documentation, in a folder outside of the repository that has photos and a home
// of its own. Models and runs go there too.

let place: string;
let host: Server;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  place = await temporaryFolder();
  const home = join(place, 'home');
  const cat = await writePhotos(join(place, 'photos'));
  for (const name of ['cat.jpg', 'photo.jpg']) await cp(cat, join(place, name));
  await cp(join(place, 'photos'), join(home, 'photos'), { recursive: true });
  for (const name of ['coffee', 'rocket']) {
    const image = join(root, `shared/fixtures/${name}.png`);
    await cp(image, join(home, `others/${name}/1.png`));
  }
  await mkdir(join(home, '.config/fish/completions'), { recursive: true });
  await mkdir(join(place, 'models'));
  const cifar10 = join(root, 'edge/public/models/cifar10');
  await cp(cifar10, join(place, 'models/cifar10'), { recursive: true });
  host = createServer(async (_, response) => response.end(await readFile(cat)));
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  env = { ...(await environment(home)), IMAGE_URL: `http://127.0.0.1:${portOf(host)}/cat.jpg` };
});
afterAll(async () => {
  host?.close();
});

/** A home of its own, whose commands are those of this checkout; downloads are those of the machine. */
async function environment(home: string): Promise<NodeJS.ProcessEnv> {
  const bin = join(place, 'bin');
  await mkdir(bin);
  const npx = (await output('command -v npx', process.env)).trim();
  const cache = (await output('npm config get cache', process.env)).trim();
  // It keeps what is installed below the home that it was installed from.
  const pnpm = `HOME='${homedir()}' exec '${npx}' -y pnpm@10 --dir '${root}' "$@"`;
  const scripts = {
    graft: `exec '${process.execPath}' '${join(root, 'trainer/src/cli/cli.ts')}' "$@"`,
    npx: `[ "$1" = wrangler ] && exec "$@"\nshift 2; ${pnpm}`,
    pnpm,
    wrangler: `exec '${process.execPath}' '${join(root, 'edge/node_modules/wrangler/bin/wrangler.js')}' "$@"`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const { PATH, NODE_EXTRA_CA_CERTS, GRAFT_CACHE = join(homedir(), '.cache/graft') } = process.env;
  return {
    HOME: home,
    PATH: `${bin}:${PATH}`,
    GRAFT_CACHE,
    npm_config_cache: cache,
    WRANGLER_SEND_METRICS: 'false',
    ...(NODE_EXTRA_CA_CERTS && { NODE_EXTRA_CA_CERTS }),
  };
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const port = portOf(socket);
  socket.close();
  return port;
}

/** @returns what a command prints on stdout; it must succeed */
async function output(command: string, variables = env): Promise<string> {
  const child = spawn('bash', ['-c', command], { cwd: place, env: variables });
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  expect(
    { code, stderr: code === 0 ? '' : stderr, stdout: code === 0 ? '' : stdout },
    command,
  ).toEqual({ code: 0, stderr: '', stdout: '' });
  return stdout;
}

/** As it is typed here: placeholders filled, and models and runs in this folder. */
function typed({
  command,
  with: more = '',
  fill = {},
}: Pick<Run, 'command' | 'with' | 'fill'>): string {
  let line = command;
  for (const [placeholder, text] of Object.entries(fill)) {
    expect(line).toContain(placeholder);
    line = line.replace(placeholder, text);
  }
  const words = line.split(' ');
  const { options = {} } = allCommands.find(({ name }) => words.includes(name)) ?? {};
  const isHelp = /--help|^alias|^source/.test(line);
  const places = ['models', 'runs'].filter((name) => !isHelp && name in options);
  return [line, ...places.map((name) => `--${name} "$PWD/${name}"`), more].join(' ');
}

test.for(runs)('runs $command', { timeout: 900_000 }, async ({ after, prints, ...run }) => {
  if (after) await output(after);
  expect(await output(typed(run))).toContain(prints);
});

test.for(explained)('%s is a command of that program', { timeout: 60_000 }, async (command) => {
  const help = await output(`${command} --help`);
  for (const option of command.match(/ --(?!filter)[a-z-]+/g) ?? []) expect(help).toContain(option);
});

/** How a server says where it is. */
const ADDRESS = /https?:\/\/(?:localhost|127\.0\.0\.1):\d+\S*/;

test.for(servers)('serves with $command', { timeout: 300_000 }, async ({ command, asked }) => {
  const port = await freePort();
  const isReport = command.includes('report');
  const more = isReport ? `--port ${port}` : `--port ${port} --var ALLOW_LOOPBACK:1`;
  // A group of its own, as a terminal makes one, which Ctrl-C ends as a whole.
  const server = spawn('bash', ['-c', `exec ${typed({ command, with: more })}`], {
    cwd: place,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'close');
  try {
    const address = await addressOf(server);
    expect(address).toContain(`:${port}`);
    expect((await fetch(address)).status).toBe(200);
    for (const question of asked) {
      const here = question.replace('localhost:8787', `localhost:${port}`);
      const answer = await output(here.replace(/https:\/\/[^&']+/, env['IMAGE_URL'] as string));
      expect(JSON.parse(answer)).toMatchObject({ predictions: [{}, {}, {}] });
    }
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGINT');
    await ended;
  }
});

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  let printed = '';
  for await (const chunk of stdout ?? []) {
    printed += chunk;
    const [address] = ADDRESS.exec(printed) ?? [];
    if (address) {
      stdout?.resume();
      return address.replace(/[.,]$/, '');
    }
  }
  throw new Error(`Expected an address, but the server ended with: ${printed}`);
}
