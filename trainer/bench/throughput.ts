/**
 * Speed and memory of stage 2 and of inference, next to Keras and PyTorch in the same run.
 *
 *     pnpm --filter trainer bench
 *
 * All train EfficientNet-Lite0 with everything but BatchNorm trainable, with Adam, at the same batch and
 * size, from images already in memory: ours and Keras on the same TensorFlow with oneDNN, PyTorch as it is
 * and through `torch.compile`. They take turns, since other work on the machine slows whoever runs at the
 * time; each figure is the median of all turns.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { TrainerError } from '../src/errors.ts';
import { preparePython } from '../src/programs/python-environment.ts';
import { torch } from './torch.ts';

const run = promisify(execFile);
const ROUNDS = 3;
/** The folder for what `torch.compile` builds, for all rounds. */
const compiledIn = await mkdtemp(join(tmpdir(), 'graft-torch-'));
const compiled = { env: { ...process.env, TORCHINDUCTOR_CACHE_DIR: compiledIn } };
const withOneDnn = { env: { ...process.env, TF_ENABLE_ONEDNN_OPTS: '1' } };
const options = ['--size', '128', '--batch', '32', '--steps', '15', '--warmup', '4'];

interface Figures {
  readonly train_images_per_second: number;
  readonly forward_images_per_second: number;
  readonly peak_rss_mb: number;
}

const python = await preparePython(console.log);
const torchPython = await prepareTorch();
const peers: Record<string, () => Promise<{ stdout: string }>> = {
  graft: () => run(process.execPath, [pathOf('throughput-graft.ts'), ...options]),
  // TensorFlow itself turns oneDNN on for the newest processors only.
  keras: () => run(python, [pathOf('keras_peer.py'), ...options], withOneDnn),
  ...(torchPython && {
    torch_eager: () => run(torchPython, [pathOf('torch_peer.py'), ...options]),
    torch_compile: () =>
      run(torchPython, [pathOf('torch_peer.py'), '--compile', ...options], compiled),
  }),
};

const rounds: Record<string, Figures[]> = {};
for (let round = 1; round <= ROUNDS; round++) {
  for (const [peer, measure] of Object.entries(peers)) {
    try {
      const { stdout } = await measure();
      const figures = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Figures;
      rounds[peer] = [...(rounds[peer] ?? []), figures];
      console.log(`round ${round}, ${peer}: ${row(figures)}`);
    } catch (error) {
      // It needs a C++ compiler, which does not come with PyTorch.
      if (peer !== 'torch_compile') throw error;
      delete peers[peer];
      console.log(`torch.compile is left out: ${reasonOf(error)}`);
    }
  }
}

await rm(compiledIn, { recursive: true });

const { graft, ...others } = Object.fromEntries(
  Object.entries(rounds).map(([peer, figures]) => [peer, medians(figures)]),
) as Record<string, Figures> & { graft: Figures };
console.log(`\nEfficientNet-Lite0, ${options.join(' ')}; medians of ${ROUNDS} rounds`);
for (const [peer, figures] of Object.entries({ graft, ...others })) {
  console.log(`${peer.padEnd(15)}${row(figures)}`);
}
const ratios = Object.entries(others).flatMap(([peer, figures]) => [
  [`ratio_${peer}`, ratio(graft.train_images_per_second, figures.train_images_per_second)],
  [
    `ratio_${peer}_forward`,
    ratio(graft.forward_images_per_second, figures.forward_images_per_second),
  ],
  [`ratio_${peer}_memory`, ratio(figures.peak_rss_mb, graft.peak_rss_mb)],
]) as [string, number][];
const ofTorch = ratios.filter(([name]) => /^ratio_torch_[a-z]+$/.test(name)).map(([, r]) => r);
await reportFigures('trainer bench', {
  // Compared with the faster of PyTorch's two modes.
  ...(ofTorch.length > 0 && { ratio_torch: Math.min(...ofTorch) }),
  ...Object.fromEntries(ratios),
  graft,
  ...others,
});

/** @returns the path of its python; undefined where there is no PyTorch for this machine */
async function prepareTorch(): Promise<string | undefined> {
  try {
    return await preparePython(console.log, torch);
  } catch (error) {
    if (!(error instanceof TrainerError) || error.code === 'interrupted') throw error;
    console.log(`PyTorch is left out of the comparison: ${error.message}`);
    return undefined;
  }
}

/** The line of Python's traceback that names the error. */
function reasonOf(error: unknown): string {
  const lines = String((error as { stderr?: string }).stderr ?? error).split('\n');
  return lines.findLast((line) => /Error\b/.test(line)) ?? lines[0] ?? '';
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function medians(figures: readonly Figures[]): Figures {
  const median = (key: keyof Figures) => {
    const sorted = figures.map((one) => one[key]).sort((a, b) => a - b);
    return Math.round(sorted[Math.floor(sorted.length / 2)] as number);
  };
  return {
    train_images_per_second: median('train_images_per_second'),
    forward_images_per_second: median('forward_images_per_second'),
    peak_rss_mb: median('peak_rss_mb'),
  };
}

function row(figures: Figures): string {
  const [train, forward, memory] = [
    figures.train_images_per_second,
    figures.forward_images_per_second,
    figures.peak_rss_mb,
  ].map(Math.round);
  return `training ${train} images/s, inference ${forward} images/s, peak memory ${memory} MB`;
}

function ratio(a: number, b: number): number {
  return Number((a / b).toFixed(2));
}
