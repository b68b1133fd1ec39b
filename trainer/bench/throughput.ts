/**
 * Speed and memory of stage 2 and of inference, next to Keras in the same run.
 *
 *     pnpm --filter trainer bench
 *
 * Both train EfficientNet-Lite0 with everything but BatchNorm trainable, with Adam, on the same
 * TensorFlow, batch and size, from pictures already in memory. The two take turns, since other
 * work on the machine slows whoever runs at the time; each figure is the median of all turns.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preparePython } from './python-env.ts';

const run = promisify(execFile);
const ROUNDS = 3;
const options = ['--size', '128', '--batch', '32', '--steps', '15', '--warmup', '4'];

interface Figures {
  readonly train_pictures_per_second: number;
  readonly forward_pictures_per_second: number;
  readonly peak_rss_mb: number;
}

const python = await preparePython(console.log);
const peers = {
  graft: () => run(process.execPath, [pathOf('throughput-graft.ts'), ...options]),
  keras: () => run(python, [pathOf('keras_peer.py'), ...options]),
};

const rounds: Record<keyof typeof peers, Figures[]> = { graft: [], keras: [] };
for (let round = 1; round <= ROUNDS; round++) {
  for (const peer of ['graft', 'keras'] as const) {
    const { stdout } = await peers[peer]();
    const figures = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Figures;
    rounds[peer].push(figures);
    console.log(`round ${round}, ${peer}: ${row(figures)}`);
  }
}

const [graft, keras] = [medians(rounds.graft), medians(rounds.keras)];
console.log(`\nEfficientNet-Lite0, ${options.join(' ')}; medians of ${ROUNDS} rounds`);
console.log(`graft  ${row(graft)}`);
console.log(`Keras  ${row(keras)}`);
console.log(
  JSON.stringify({
    ratio_keras: ratio(graft.train_pictures_per_second, keras.train_pictures_per_second),
    ratio_keras_forward: ratio(
      graft.forward_pictures_per_second,
      keras.forward_pictures_per_second,
    ),
    ratio_keras_memory: ratio(keras.peak_rss_mb, graft.peak_rss_mb),
    graft,
    keras,
  }),
);

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function medians(figures: readonly Figures[]): Figures {
  const median = (key: keyof Figures) => {
    const sorted = figures.map((one) => one[key]).sort((a, b) => a - b);
    return Math.round(sorted[Math.floor(sorted.length / 2)] as number);
  };
  return {
    train_pictures_per_second: median('train_pictures_per_second'),
    forward_pictures_per_second: median('forward_pictures_per_second'),
    peak_rss_mb: median('peak_rss_mb'),
  };
}

function row(figures: Figures): string {
  const [train, forward, memory] = [
    figures.train_pictures_per_second,
    figures.forward_pictures_per_second,
    figures.peak_rss_mb,
  ].map(Math.round);
  return `training ${train} pictures/s, inference ${forward} pictures/s, peak memory ${memory} MB`;
}

function ratio(a: number, b: number): number {
  return Number((a / b).toFixed(2));
}
