import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { findPostgres, startPostgres } from '../../../fixtures/servers/postgres.ts';
import { s3Environment, startS3 } from '../../../fixtures/servers/s3-server.ts';
import { createRandom } from '../../config/random.ts';
import { readRun } from '../../runs/list-runs.ts';
import { readRunLog } from '../../runs/run-log.ts';
import { startDatabase } from '../../sweeps/embedded-database.ts';
import { formatSweep } from '../../sweeps/format-sweep.ts';
import { type Measured, readSweep, type SweepFile } from '../../sweeps/sweep-file.ts';

const WORKERS = 3;
const KILLS = 2;
const TIMEOUT_MS = 600_000;
const cli = fileURLToPath(new URL('../../cli/cli.ts', import.meta.url));
const postgres = await findPostgres();
/** WASM computes the same on every machine that runs this test. */
const compute = ['--backend', 'wasm', '--threads', '1'];
const vary = ['--vary', 'stage2.peakLearningRate=1e-3,1e-2,3e-2', '--seeds', '2'];

let folder: string;
let undisturbed: SweepFile;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await temporaryFolder();
  const random = createRandom(1);
  for (const [label, name] of ['dark', 'grey', 'light'].entries()) {
    await mkdir(join(folder, 'photos', name), { recursive: true });
    for (let number = 0; number < 60; number++) {
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => 12 * label + random.below(190));
      await sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toFile(join(folder, 'photos', name, `${number}.png`));
    }
  }
  undisturbed = await sweepOf('undisturbed', [...vary, ...compute]);
}, TIMEOUT_MS);
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** @param cache name of its cache, and what else it finds in its environment */
function start(
  args: readonly string[],
  cache: string,
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ...environment, GRAFT_CACHE: join(folder, 'caches', cache) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Runs a sweep of tiny trainings to its end. */
async function sweepOf(name: string, options: readonly string[]): Promise<SweepFile> {
  const runs = join(folder, name);
  const recipe = ['--config', 'smoke', '--backbone', 'lenet5', '--weights', 'none', '--size', '32'];
  const images = ['--data', join(folder, 'photos'), '--runs', runs];
  const epochs = ['--stage2.epochs', '4'];
  const child = start(['sweep', ...recipe, ...images, ...epochs, ...options], name);
  const closed = once(child, 'close');
  const said = await text(child.stdout as NodeJS.ReadableStream);
  expect({ said, ended: await closed }).toEqual({ said, ended: [0, null] });
  const [directory = ''] = await readdir(runs);
  const sweep = await readSweep(join(runs, directory));
  expect(said).toContain(formatSweep(sweep));
  // Of a seed, halving leaves one trial, and three rates leave three.
  const soup = said.match(/ soup (.*)$/m)?.[1]?.split(' ') ?? [];
  expect(soup.length).toBe(options.includes('--halving') ? 0 : 3);
  return sweep;
}

/** All that a sweep gave, but for the machine. */
function outcomeOf(sweep: SweepFile) {
  const results = Object.entries(sweep.results).map(([trial, all]) => [
    trial,
    all.map((result) => ({ ...result, host: '', directory: '' })),
  ]);
  return { results: results.sort(), table: formatSweep(sweep) };
}

/**
 * A worker that is killed in the midst of stage 2 of its first trials, and started again. The
 * others start when it has the last trial that it dies in: fast ones would leave it none.
 */
async function workAndDie(startWorker: () => ChildProcess, startOthers: () => void): Promise<void> {
  for (let kills = 1; kills <= KILLS; kills++) {
    const worker = startWorker();
    const closed = once(worker, 'close');
    for await (const line of createInterface({ input: worker.stdout as NodeJS.ReadableStream })) {
      if (kills === KILLS && line.startsWith('Stage 2, epoch 1/')) startOthers();
      if (line.startsWith('Stage 2, epoch 2/')) break;
    }
    worker.kill('SIGKILL');
    expect(await closed).toEqual([null, 'SIGKILL']);
  }
  startWorker().stdout?.resume();
}

/** Hashes of the shards of features that the process of the undisturbed sweep has computed, by name. */
async function undisturbedShards(): Promise<Record<string, string>> {
  const features = join(folder, 'caches/undisturbed/features');
  const names = await readdir(features, { recursive: true });
  const shards = names.filter((name) => name.endsWith('.safetensors'));
  const files = shards.map(async (name) => [name, await readFile(join(features, name))] as const);
  return hashesOf(await Promise.all(files));
}

function hashesOf(files: Iterable<readonly [string, Uint8Array]>): Record<string, string> {
  return Object.fromEntries(
    [...files].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
  );
}

/** What a command prints that comes to its end. */
async function outputOf(...args: string[]): Promise<string> {
  const child = start([...args, ...compute], 'undisturbed');
  const closed = once(child, 'close');
  const said = await text(child.stdout as NodeJS.ReadableStream);
  expect({ said, ended: await closed }).toEqual({ said, ended: [0, null] });
  return said;
}

function measuredOf(trial: string): Measured {
  const [result] = undisturbed.results[trial] ?? [];
  return result as Measured;
}

test(
  'a soup is at least as good as the best run, or there is none; one is exported as runs are',
  async () => {
    const soups = join(folder, 'soups');
    const runs = ['1', '3', '5'].map((trial) => measuredOf(trial).directory);
    const said = await outputOf('soup', ...runs, '--runs', soups);
    expect(said).toMatch(/^The average of |^No average is as good as /m);
    // A run and its copy have themselves for an average.
    const [, copied = ''] = runs;
    const copy = join(folder, 'copy');
    await cp(copied, copy, { recursive: true });
    const joined = await outputOf('soup', copied, copy, '--runs', join(folder, 'joined'));
    expect(joined).toContain('The average of ');
    const [soup = ''] = await readdir(join(folder, 'joined'));
    const run = await readRun(join(folder, 'joined', soup), soup);
    expect(run?.validation).toBe(measuredOf('3').accuracy);
    const models = join(folder, 'models');
    await outputOf(
      'export',
      '--run',
      join(folder, 'joined', soup),
      '--models',
      models,
      '--id',
      'x',
    );
    expect(await readdir(join(models, 'x'))).toContain('model.json');
  },
  TIMEOUT_MS,
);

const databases = [
  ['PGlite', startDatabase, true],
  ['PostgreSQL', () => startPostgres(postgres ?? ''), postgres !== undefined],
] as const;

test.each(databases.filter(([, , isThere]) => isThere))(
  `over %s, ${WORKERS} workers, one of them killed ${KILLS} times, give the table of one process`,
  async (name, startQueue) => {
    const [database, s3] = await Promise.all([startQueue(), startS3()]);
    try {
      const args = ['worker', '--queue', database.url, '--runs', join(folder, `${name}-runs`)];
      const work = [...args, '--threads', '1'];
      // Each as on a machine of its own, which has the others' features from the bucket only.
      const startWorker = (number: number) =>
        start(work, `${name}-${number}`, s3Environment(s3.endpoint));
      const dying = workAndDie(
        () => startWorker(0),
        () => {
          for (let other = 1; other < WORKERS; other++) startWorker(other).stdout?.resume();
        },
      );
      const options = [...vary, ...compute, '--queue', database.url, '--workers', '0'];
      const shared = ['--features', 's3://sweeps/features'];
      const [sweep] = await Promise.all([sweepOf(name, [...options, ...shared]), dying]);
      const shards = [...s3.objects].map(
        ([path, bytes]) => [path.slice('sweeps/features/'.length), bytes] as const,
      );
      expect(hashesOf(shards)).toEqual(await undisturbedShards());
      expect(Object.keys(sweep.results).length).toBe(sweep.trials.length);
      expect(outcomeOf(sweep)).toEqual(outcomeOf(undisturbed));
      const workers = [...running].map((worker) => {
        const closed = once(worker, 'close');
        worker.kill('SIGTERM');
        return closed;
      });
      for (const ended of await Promise.all(workers)) expect(ended).toEqual([130, null]);
    } finally {
      await Promise.all([database.stop(), s3.close()]);
    }
  },
  TIMEOUT_MS,
);

test(
  'halving that could end nothing early is refused',
  async () => {
    const recipe = ['--config', 'smoke', '--backbone', 'lenet5', '--weights', 'none'];
    const args = ['sweep', ...recipe, '--data', join(folder, 'photos'), ...vary, '--halving', '9'];
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const closed = once(child, 'close');
    const said = await text(child.stderr);
    expect({ said, ended: await closed }).toMatchObject({
      said: expect.stringMatching(
        /^Expected at least 9 settings and 9 epochs of stage 2 for --halving 9/,
      ),
      ended: [1, null],
    });
  },
  TIMEOUT_MS,
);

test(
  'successive halving goes on from checkpoints, and ends with the numbers of whole trainings',
  async () => {
    const sweep = await sweepOf('halving', [...vary, ...compute, '--halving', '3']);
    expect(sweep.rungs).toEqual([1 / 3, 1]);
    const finished = Object.entries(sweep.results).filter(([, results]) => results.length === 2);
    // One of three settings, with both of its seeds.
    expect(finished.length).toBe(2);
    for (const [name, [first, last]] of finished) {
      expect(first).toMatchObject({ epochs: 2 });
      const whole = undisturbed.results[name]?.[0];
      expect({ ...last, directory: '' }).toEqual({ ...whole, directory: '' });
      const log = await readRunLog((last as { directory: string }).directory);
      const trained = log.filter((line) => line.event === 'epoch' && line.stage === 2);
      expect(trained.length).toBe(4);
    }
  },
  TIMEOUT_MS,
);
