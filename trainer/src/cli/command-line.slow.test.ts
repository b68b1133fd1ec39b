import { execFile, execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configFields } from '../config/config-fields.ts';
import { createRandom, type Random } from '../config/random.ts';
import { printable } from '../printable.ts';
import { runCommand } from './run-command.ts';

const CASES = 500;
/** Of these, so many are run as a user runs them, each as a process of its own. */
const PROCESSES = 40;
const MOST_MS = 20_000;

const cli = fileURLToPath(new URL('cli.ts', import.meta.url));
const photo = fileURLToPath(new URL('../../../shared/fixtures/chelsea.png', import.meta.url));

let folder: string;
let host: Server;
let world: World;

type World = Awaited<ReturnType<typeof makeWorld>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  host = createServer((request, response) => {
    switch (request.url) {
      case '/404.png':
        response.statusCode = 404;
        return response.end(Buffer.alloc(100_000, 'minified code;'));
      case '/round.png':
        response.writeHead(302, { location: '/round.png' });
        return response.end();
      case '/page':
        response.setHeader('content-type', 'text/html; charset=utf-8');
        return response.end('<html>');
      case '/cut.png':
        response.setHeader('content-length', 1000);
        response.write('x');
        return setTimeout(() => response.destroy(), 20);
      case '/nowhere.png':
        response.writeHead(302, { location: 'http://[' });
        return response.end();
      default:
        return response.end();
    }
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  world = await makeWorld((host.address() as AddressInfo).port);
});
afterAll(async () => {
  host.closeAllConnections();
  host.close();
});

/** Makes what the commands are tried on. */
async function makeWorld(port: number) {
  const at = (...names: string[]) => join(folder, ...names);
  const file = async (name: string, content: string | Uint8Array) => {
    await mkdir(join(at(name), '..'), { recursive: true });
    await writeFile(at(name), content);
    return at(name);
  };
  const image = await sharp({
    create: { width: 40, height: 40, channels: 3, background: 'red' },
  }).png();
  const png = await image.toBuffer();
  for (const label of ['cat', 'constructor', 'colour\u001b[31m']) {
    for (let index = 0; index < 2; index++) await file(`small/${label}/${index}.png`, png);
  }
  await file('one/cat/1.png', png);
  await file('flat/1.png', png);
  await file('texts/a/1.png', 'no image');
  await file('texts/b/1.png', '');
  await mkdir(at('empty'));
  await mkdir(at('My_Model'));
  await symlink(at('gone'), at('broken'));
  await symlink(at('round'), at('round'));
  execFileSync('mkfifo', [at('pipe')]);
  await file('other/keep.txt', 'of someone else');
  await file('runs/cut/log.jsonl', '{"event":"sta');
  await file('runs/cut/checkpoint.safetensors', Buffer.alloc(40, 255));
  await file('models/damaged/model.json', '{"format":"graph-model"}');
  const weights = await readFile(
    fileURLToPath(new URL('../../parity/round-trip/full.h5', import.meta.url)),
  );
  const url = (path: string) => `http://127.0.0.1:${port}/${path}`;
  const odd = [
    at('empty'),
    at('gone'),
    at('broken'),
    at('round'),
    at('pipe'),
    '/dev/null',
    '/dev/null/x',
    at('x'.repeat(300)),
    at('a\u001b]0;title\u0007'),
    at('line\nbreak'),
  ];
  return {
    data: [
      ...odd,
      at('small'),
      at('one'),
      at('flat'),
      at('texts'),
      await file('photos.zip', 'PK'),
      await file('photos.csv', 'a,b'),
      'cifar-10',
      'https://example.com/photos.zip',
    ],
    weights: [
      ...odd,
      await file('empty.h5', ''),
      await file('page.h5', '<!doctype html>'),
      await file('pointer.safetensors', 'version https://git-lfs.github.com/spec/v1\n'),
      await file('model.pth', Buffer.from('80028a0a', 'hex')),
      await file('cut.h5', weights.subarray(0, 3000)),
      await file('other.h5', weights),
      await file('index.json', '{"weight_map":{"a":"../../x"}}'),
      await file('random.bin', Buffer.alloc(999, 7)),
      'imagenet-21k',
    ],
    images: [
      ...odd,
      photo,
      await file('empty.png', ''),
      await file('text.jpg', 'no image'),
      await file('cut.png', png.subarray(0, 60)),
      ...['404.png', 'round.png', 'page', 'cut.png', 'nowhere.png', 'empty.png'].map(url),
      'http://127.0.0.1:1/refused.png',
      'http://[/',
      'https://no-such-host.invalid/a.png',
    ],
    closed: [
      '/dev/null',
      '/dev/null/inside',
      '/proc/graft',
      '/sys/graft',
      at('photos.csv'),
      join(at('photos.csv'), 'inside'),
      at('broken', 'inside'),
      at('round'),
      at('x'.repeat(300)),
    ],
    models: [
      ...odd,
      './..',
      'damaged',
      'cifar_10',
      'My_Model',
      '../models/damaged',
      'none',
      at('other'),
    ],
    runs: [...odd, './..', 'cut', 'none', at('runs/cut'), at('other')],
  };
}

const WORDS = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  'NaN',
  'true',
  'none',
  'toString',
  '__proto__',
  '💥',
  "'",
];
const ODD_WORDS = [
  ...WORDS,
  '\u001b[2J',
  'a\nb',
  '../..',
  '%s',
  '$(id)',
  '9'.repeat(40),
  'x'.repeat(5000),
];
const COMMANDS = [
  'train',
  'find-lr',
  'export',
  'summary',
  'predict',
  'evaluate',
  'report',
  'runs',
  'datasets',
] as const;
const FOREIGN = ['lr', 'epochs', 'batch-size', 'output', 'dataset', 'gpu', 'workers', 'nonsense'];

/** Every case ends in an error or soon, and leaves the places that people have alone. */
function makeCase(random: Random): string[] {
  const { below } = random;
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  const odds = (one: number) => below(one) === 0;
  const models = join(folder, 'models');
  const runs = join(folder, 'runs');
  if (odds(12)) return [pick([...ODD_WORDS, 'trian', 'fit', 'test', 'setup now']), pick(ODD_WORDS)];
  const command = pick(COMMANDS);
  const args: string[] = [command];
  const give = (name: string, value: string) => {
    args.push(
      ...(odds(2) || value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value]),
    );
  };
  switch (command) {
    case 'train':
    case 'find-lr': {
      give('data', pick(world.data));
      give('config', 'smoke');
      give('backend', 'cpu');
      give('models', odds(3) ? pick(world.closed) : models);
      give('runs', odds(3) ? pick(world.closed) : runs);
      // No case trains: one of these stands in the way.
      const way = below(4);
      if (way === 0) give('weights', pick(world.weights));
      else if (way === 1) give(pick(FOREIGN), pick(WORDS));
      else if (way === 2) give(pick(configFields).path, pick(['', 'x', '-1', '1e99', 'toString']));
      else give('resume', pick(world.runs));
      break;
    }
    case 'export':
      give('backend', 'cpu');
      give('models', pick(world.closed));
      if (odds(2)) give('weights', pick(world.weights));
      if (odds(3)) give('backbone', pick(ODD_WORDS));
      if (odds(3)) give('quantize', pick(ODD_WORDS));
      if (odds(3)) give('keras', join(pick(world.closed), 'a.weights.h5'));
      if (odds(3)) give('format', 'onnx');
      if (odds(3)) give('output', pick(world.closed));
      break;
    case 'summary':
      give('backbone', odds(3) ? pick(ODD_WORDS) : pick(['lenet5', 'alexnet', 'mobilenetv2']));
      if (odds(2)) give('size', pick(ODD_WORDS));
      if (odds(2)) give('freeze', pick(ODD_WORDS));
      if (odds(2)) give('trim', pick(ODD_WORDS));
      break;
    case 'predict':
      for (let count = 1 + below(3); count > 0; count--) args.push(pick(world.images));
      give('backend', 'cpu');
      give('models', models);
      if (odds(2)) give('model', pick(world.models));
      if (odds(3)) give('weights', pick(world.weights));
      if (odds(3)) give('top', pick(ODD_WORDS));
      break;
    case 'evaluate':
      args.push(pick(world.models));
      give('backend', 'cpu');
      give('models', models);
      give('data', pick(world.data));
      break;
    case 'report':
      args.push(pick(world.runs));
      give('runs', odds(3) ? pick(world.closed) : runs);
      break;
    case 'runs':
      for (let count = below(4); count > 0; count--) args.push(pick(world.runs));
      give('runs', odds(3) ? pick(world.closed) : runs);
      if (odds(3)) give('sort', pick(ODD_WORDS));
      if (odds(3)) give('limit', pick(ODD_WORDS));
      break;
    case 'datasets':
      args.push(pick(world.data));
      if (odds(3)) give('size', pick(ODD_WORDS));
      if (odds(3)) give('folders', pick(ODD_WORDS));
  }
  if (odds(6)) give(pick(FOREIGN), pick(ODD_WORDS));
  if (odds(8)) args.push(pick(ODD_WORDS));
  return args;
}

function casesOf(seed: number, count: number): string[][] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => makeCase(random));
}

/** The classes of the folders that are tried. */
const CLASSES = ['cat', 'constructor', 'a'];

/** Whether a line speaks of something that was typed, of the place that it stands for, or of a class. */
function names(line: string, args: readonly string[]): boolean {
  const words = args.flatMap((arg) => [arg, ...(arg.match(/^--?([^=]+)=?(.*)$/s)?.slice(1) ?? [])]);
  const places = words.flatMap((word) => [word, resolve(word), dirname(word), basename(word)]);
  const isSaid = (word: string) => word.trim() === '' || line.includes(printable(word));
  return (
    places.some((place) => place !== '.' && place !== '/' && isSaid(place)) || aClass.test(line)
  );
}

const aClass = new RegExp(`images of (${CLASSES.join('|')})`);

/** @returns what is wrong with an answer to a command line */
function faultsOf(
  args: readonly string[],
  { code, err, ms }: { code: number; err: string; ms: number },
): string[] {
  const lines = err.split('\n').filter(Boolean);
  const isSentence = (line: string) => /^[A-Z"'].*[.?]$/.test(line) && line === printable(line);
  const faults = [
    code !== 0 && code !== 1 && `exit code ${code}`,
    ms > MOST_MS && `${Math.round(ms / 1000)} s`,
    /^ +at |node:internal|\.ts:\d+/m.test(err) && 'a stack trace',
    code === 1 && lines.length === 0 && 'no message',
    code === 1 && !lines.every(isSentence) && 'not a sentence each',
    code === 1 && !lines.every((line) => names(line, args)) && 'does not name what was wrong',
  ].filter((fault) => fault !== false);
  return faults.map(
    (fault) => `${fault}: ${JSON.stringify(args).slice(0, 600)}\n${err.slice(0, 900)}`,
  );
}

test(`answers ${CASES} odd command lines with a line or a result`, {
  timeout: 30 * 60_000,
}, async () => {
  const faults: string[] = [];
  for (const args of casesOf(17, CASES)) {
    let err = '';
    const begin = performance.now();
    const code = await runCommand(args, {
      out: () => {},
      err: (line) => {
        err += `${line}\n`;
      },
    }).catch((error: Error) => {
      err += `${error.stack}\n`;
      return 7;
    });
    faults.push(...faultsOf(args, { code, err, ms: performance.now() - begin }));
  }
  expect(faults.join('\n')).toBe('');
  expect(await readFile(join(folder, 'other/keep.txt'), 'utf8')).toBe('of someone else');
});

test(`and ${PROCESSES} in processes of their own`, { timeout: 30 * 60_000 }, async () => {
  const faults: string[] = [];
  for (const args of casesOf(18, PROCESSES)) {
    const begin = performance.now();
    const result = await new Promise<{ code: number; err: string }>((resolve) => {
      const options = { timeout: 2 * MOST_MS, killSignal: 'SIGKILL' } as const;
      execFile(process.execPath, [cli, ...args], options, (error, _, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? Number.NaN), err });
      });
    });
    faults.push(...faultsOf(args, { ...result, ms: performance.now() - begin }));
  }
  expect(faults.join('\n')).toBe('');
});
