import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { printableLines } from '../printable.ts';

const cli = fileURLToPath(new URL('cli.ts', import.meta.url));
let models: string;
beforeAll(async () => {
  models = await temporaryFolder();
});

/** Runs the command line as a user would, only with another place for models. */
function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test.concurrent.each([
  [[], ['graft --help', 'graft dev']],
  [['--help'], ['Usage: graft', 'train', 'predict', 'deploy', 'Exit codes']],
  [
    ['help', 'train'],
    ['--config', '--backend', '--resume', '--id', '--models', '--help-all'],
  ],
  [
    ['train', '--help'],
    ['--config', '--backend', '--resume', '--id', '--models', '--help-all'],
  ],
  [
    ['train', '--help-all', '--config', 'best'],
    ['Experiment best:', '--stage2.optimizer'],
  ],
])('explains itself for %j', async (args, words) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const word of words) expect(stdout).toContain(word);
});

test.concurrent('has colours where they are asked for, and none in a pipe', async () => {
  const lineOf = (variables: NodeJS.ProcessEnv) =>
    new Promise<string>((resolve) => {
      const env = { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, ...variables };
      execFile(process.execPath, [cli, 'fly'], { env }, (_, __, stderr) => resolve(stderr));
    });
  const plain = 'There is no command fly. See --help.\n';
  expect(await lineOf({})).toBe(plain);
  expect(await lineOf({ FORCE_COLOR: '1' })).toBe(
    `${styleText('red', plain.trim(), { validateStream: false })}\n`,
  );
  expect(await lineOf({ NO_COLOR: '1' })).toBe(plain);
});

test.concurrent('hands options to wrangler, and its exit code back', async () => {
  const { code, stderr } = await run('dev', '--no-such-option');
  expect(code).toBe(1);
  expect(stderr).toContain('Unknown argument');
});

const completing = (...words: string[]) => run('complete', '--', ...words);

test.concurrent.each([
  [['tra'], ['train']],
  [
    ['train', '--bac'],
    ['--backend', '--backbone'],
  ],
  [
    ['train', '--backend', 'w'],
    ['webgpu', 'wasm'],
  ],
  [['train', '--config=b'], ['best']],
  [['find-lr', '--stage1.sched'], ['--stage1.schedule']],
  [['evaluate', 'cifar10-f'], ['cifar10-fast']],
  [['completion', 'b'], ['bash']],
])('completes %j', async (words, expected) => {
  const { code, stdout } = await completing(...words);
  expect(code).toBe(0);
  const [directive, ...texts] = stdout.trimEnd().split('\n').reverse();
  expect(directive).toMatch(/^:\d+$/);
  expect(texts.map((line) => line.split('\t')[0]).reverse()).toEqual(expected);
});

test.concurrent('completes paths', async () => {
  await mkdir(join(models, 'here/photos-of-pets'), { recursive: true });
  const { stdout } = await completing('train', '--data', join(models, 'here/pho'));
  expect(stdout).toContain(`${join(models, 'here/photos-of-pets')}\t`);
});

test.concurrent('prints a script for each shell', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, stdout } = await run('completion', shell);
    expect({ shell, code }).toEqual({ shell, code: 0 });
    expect(stdout).toContain(cli);
  }
});

test.concurrent.each([
  [['fly'], /^There is no command fly\. See --help\.\n$/],
  [['train', '--weights', '/no/such/file'], /\/no\/such\/file, but there is no such file\.\n$/],
  [['evaluate', './none'], /none, but there is no such folder\.\n$/],
])('answers %j with one line and exit code 1', async (args, line) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(line);
});

test.concurrent('summarizes a network as the article leaves it', async () => {
  const { code, stdout } = await run('summary', '--backbone', 'efficientnetb0', '--freeze=-2');
  expect(code).toBe(0);
  expect(stdout).toContain('Total params: 4,049,571 (15.45 MB)\nTrainable params: 2,560\n');

  const named = await run('summary', '--backbone', 'efficientnetb0', '--freeze', '*');
  expect(named.stdout).toContain('Trainable params: 0\n');
});

test.concurrent('prints no name that would steer the terminal', async () => {
  const photos = await temporaryFolder();
  for (const name of ['\u001b[31mred', 'a\nb', '\u202egpj']) {
    await mkdir(join(photos, name), { recursive: true });
    await writeFile(join(photos, name, '\u009b2J.jpg'), 'damaged');
  }
  const { code, stdout, stderr } = await run('datasets', photos);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(printableLines(stdout));
  expect(stdout).toContain('\na\\u000ab ');
  expect(stdout).toContain('/\\u009b2J.jpg');
});

test.concurrent('predicts with synset ids, the most probable first', async () => {
  const photo = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));
  const { code, stdout } = await run('predict', photo, '--top', '2', '--backend', 'wasm');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^n02124075 {2}Egyptian_cat +0\.38\d\d\nn02123159 {2}tiger_cat +0\.33\d\d\n$/,
  );
});

test.concurrent('predicts many images, files and urls, with a trained model', async () => {
  const photo = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));
  const file = await readFile(photo);
  const host = createServer((request, response) => {
    response.statusCode = request.url === '/cat.png' ? 200 : 404;
    response.end(file);
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/cat.png`;
  try {
    const { code, stdout, stderr } = await run(
      ...['predict', photo, url, `${url}.gif`, '--model', 'cifar10'],
      ...['--top', '1', '--json', '--backend', 'wasm'],
    );
    const [first, second] = stdout.split('\n').map((line) => line && JSON.parse(line));
    expect(first).toEqual({
      image: photo,
      ...{ known: true, score: expect.any(Number) },
      predictions: [{ label: 'cat', index: 3, probability: expect.any(Number) }],
    });
    expect(second).toEqual({ ...first, image: url });
    expect(stderr).toBe(
      `Expected an image from ${url}.gif, but its host answered with the status 404.\n`,
    );
    expect(code).toBe(1);
  } finally {
    host.closeAllConnections();
    host.close();
  }
});

test.concurrent('answers a damaged checkpoint with one line, and leaves it', async () => {
  const path = join(models, 'checkpoint.safetensors');
  await writeFile(path, 'not a checkpoint');
  const { code, stderr } = await run('train', '--resume', models);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Expected a checkpoint at .* Start a new training .*\.\n$/);
  expect(await readdir(models)).toContain('checkpoint.safetensors');
  expect(await readFile(path, 'utf8')).toBe('not a checkpoint');
});
