import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { beforeAll, expect, inject, test } from 'vitest';
import { createRandom } from '../../config/random.ts';
import { cacheDirectory } from '../../files/cache-directory.ts';
import { checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import { epochsOf, readRunLog } from '../../runs/run-log.ts';

const KILLS = 20;
const SEED = 4;
/** Of both stages. */
const EPOCHS = 45;
const script = fileURLToPath(new URL('../../../fixtures/training/train-tiny.ts', import.meta.url));
const backend = inject('native') ? 'native' : 'wasm';

let folder: string;
let photos: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  photos = join(folder, 'photos');
  const random = createRandom(SEED);
  for (const [label, name] of ['dark', 'grey', 'light'].entries()) {
    await mkdir(join(photos, name), { recursive: true });
    for (let number = 0; number < 60; number++) {
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => 30 * label + random.below(190));
      await sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toFile(join(photos, name, `${number}.png`));
    }
  }
});

/** A cache of features and photos that is empty at first. */
async function cacheOf(name: string): Promise<string> {
  const cache = join(folder, `${name}-cache`);
  await mkdir(cache, { recursive: true });
  // What the backend needs is not made again.
  for (const made of (await readdir(cacheDirectory())).filter((entry) =>
    entry.startsWith('native-'),
  )) {
    await symlink(join(cacheDirectory(), made), join(cache, made)).catch(() => {});
  }
  return cache;
}

/** A training as a process of its own, with a cache of features that is its own too. */
async function start(name: string, how: 'start' | 'resume'): Promise<ChildProcess> {
  const args = [script, photos, join(folder, name), join(folder, `${name}-models`), backend, how];
  return spawn(process.execPath, args, {
    env: { ...process.env, GRAFT_CACHE: await cacheOf(name) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Waits until it has printed so many epochs, or is over. */
async function untilEpoch(training: ChildProcess, count: number): Promise<void> {
  let epochs = 0;
  for await (const line of createInterface({ input: training.stdout as NodeJS.ReadableStream })) {
    if (line.includes(', epoch ')) epochs += 1;
    if (epochs === count) break;
  }
  training.stdout?.resume();
}

async function resultOf(name: string) {
  const { header, tensors } = await loadCheckpoint(checkpointIn(join(folder, name)));
  const log = await readRunLog(join(folder, name));
  const models = join(folder, `${name}-models`, 'tiny');
  const weights = (await readdir(models)).filter((file) => file.endsWith('.bin')).sort();
  return {
    header: { ...header, seconds: undefined },
    tensors,
    epochs: epochsOf(log).map(({ stage, epoch, loss, validation }) => [
      stage,
      epoch,
      loss,
      validation,
    ]),
    test: log.findLast(({ event }) => event === 'test' || event === 'calibrate'),
    weights: await Promise.all(weights.map((file) => readFile(join(models, file)))),
  };
}

test(`killed ${KILLS} times at random moments, it ends with the weights and metrics of an undisturbed run`, {
  timeout: 300_000,
}, async () => {
  const begin = performance.now();
  const undisturbed = await start('undisturbed', 'start');
  const ended = once(undisturbed, 'close');
  await untilEpoch(undisturbed, 1);
  const startMs = performance.now() - begin;
  expect(await ended).toEqual([0, null]);
  const epochMs = (performance.now() - begin - startMs) / EPOCHS;

  const random = createRandom(SEED);
  const positions = new Set<string>();
  const run = join(folder, 'killed');
  let over = false;
  for (let kills = 0; kills < KILLS; ) {
    const begun = existsSync(checkpointIn(run));
    if (begun) {
      const { header } = await loadCheckpoint(checkpointIn(run));
      positions.add(`${header.stage}/${header.epoch}`);
    }
    const training = await start('killed', begun ? 'resume' : 'start');
    const closed = once(training, 'close');
    // One in four while it starts or computes features, the others while it trains, by what it has
    // done rather than by the clock, since machines are sometimes busy.
    if (over || random.float() < 0.25) {
      training.stdout?.resume();
      await sleepOrClose(random.float() * startMs, closed);
    } else {
      await untilEpoch(training, 1 + random.below(4));
      await sleepOrClose(random.float() * epochMs, closed);
    }
    over = training.exitCode !== null;
    if (!over) kills += 1;
    training.kill('SIGKILL');
    await closed;
  }
  expect(positions.size).toBeGreaterThan(5);

  const last = await start('killed', 'resume');
  last.stdout?.resume();
  expect(await once(last, 'close')).toEqual([0, null]);
  const [found, wanted] = [await resultOf('killed'), await resultOf('undisturbed')];
  expect(found.epochs).toEqual(wanted.epochs);
  expect(found).toEqual({ ...wanted, test: { ...wanted.test, time: found.test?.time } });
  // Nothing half-written stays behind.
  expect((await readdir(run)).sort()).toEqual((await readdir(join(folder, 'undisturbed'))).sort());
});

async function sleepOrClose(ms: number, closed: Promise<unknown>): Promise<void> {
  await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), closed]);
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'stopped by %s, it names the command that goes on, and that ends it',
  async (signal) => {
    const cli = fileURLToPath(new URL('../../cli/cli.ts', import.meta.url));
    const places = ['--runs', join(folder, signal), '--models', join(folder, 'models')];
    const options = { env: { ...process.env, GRAFT_CACHE: await cacheOf(signal) } };
    const training = spawn(
      process.execPath,
      [
        ...[cli, 'train', '--config', 'smoke', '--backbone', 'lenet5', '--weights', 'none'],
        ...['--size', '32', '--data', photos, '--backend', backend, '--stage1.epochs', '60'],
        ...places,
      ],
      options,
    );
    const closed = once(training, 'close');
    let complaint = '';
    training.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    await untilEpoch(training, 1);
    training.kill(signal);
    expect(await closed).toEqual([130, null]);
    const [, command, run] =
      /^Stopped\. Go on with: npx -y pnpm@10 graft (train --resume (\S+) --models \S+ --backend \S+)\n$/.exec(
        complaint,
      ) ?? [];
    expect(command).toBeDefined();
    if (signal === 'SIGTERM') {
      const stopped = (await loadCheckpoint(checkpointIn(run as string))).header;
      const exported = ['--id', 'early', '--backend', backend, ...places];
      const exporting = spawn(
        process.execPath,
        [cli, 'export', '--run', run as string, ...exported],
        options,
      );
      expect(await once(exporting, 'close')).toEqual([0, null]);
      expect(await readdir(join(folder, 'models/early'))).toContain('model.json');
      expect((await loadCheckpoint(checkpointIn(run as string))).header).toEqual(stopped);
    }
    const resumed = spawn(process.execPath, [cli, ...(command as string).split(' ')], options);
    const [output, ended] = await Promise.all([text(resumed.stdout), once(resumed, 'close')]);
    expect(ended).toEqual([0, null]);
    expect(output).toMatch(
      /\nNext, try it: npx -y pnpm@10 graft predict .* --model \S+models\S+\n$/,
    );
    expect((await loadCheckpoint(checkpointIn(run as string))).header.stage).toBe(3);
  },
);

test.skipIf(process.platform === 'win32')(
  'ended early by SIGQUIT, it exports the best weights so far',
  async () => {
    const cli = fileURLToPath(new URL('../../cli/cli.ts', import.meta.url));
    const runs = join(folder, 'SIGQUIT');
    const places = ['--runs', runs, '--models', join(folder, 'models'), '--id', 'ended'];
    const training = spawn(
      process.execPath,
      [
        ...[cli, 'train', '--config', 'smoke', '--backbone', 'lenet5', '--weights', 'none'],
        ...['--size', '32', '--data', photos, '--backend', backend, '--stage1.epochs', '600'],
        ...places,
      ],
      { env: { ...process.env, GRAFT_CACHE: await cacheOf('SIGQUIT') } },
    );
    const closed = once(training, 'close');
    await untilEpoch(training, 1);
    training.kill('SIGQUIT');
    expect(await closed).toEqual([0, null]);
    expect(await readdir(join(folder, 'models/ended'))).toContain('model.json');
    const [run] = await readdir(runs);
    const epochs = epochsOf(await readRunLog(join(runs, run as string)));
    expect(epochs.length).toBeLessThan(30);
  },
);
