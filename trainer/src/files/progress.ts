import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';

/** Shows progress: as a bar on a terminal, otherwise as an occasional line. */
export interface Progress {
  /** @param notes figures of the work, such as its loss, the most important first */
  advance(images: number, notes?: readonly string[]): void;
  /** Removes the bar; the caller reports the result. */
  stop(): void;
}

const LINE_EVERY_MS = 15_000;

/**
 * Shows images done, images per second and the time left.
 *
 * @param done images that an earlier session has processed
 * @param known figures from before this work, such as the last validation accuracy
 */
export function startProgress(
  title: string,
  images: number,
  done = 0,
  known: readonly string[] = [],
): Progress {
  // The bar is drawn on stderr.
  const { stderr } = process;
  const isTerminal = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const begin = performance.now();
  let total = done;
  let lastLine = begin;
  let notes: readonly string[] = [];
  const figures = () => {
    const rate = (total - done) / ((performance.now() - begin) / 1000);
    const left = rate > 0 ? formatSeconds((images - total) / rate) : '…';
    const percent = Math.floor((100 * total) / Math.max(images, 1));
    const [first, ...rest] = notes;
    const figures = [first, ...known, `${Math.round(rate)} images/s`, ...rest];
    return [`${percent} %`, `${left} left`, ...figures.filter((figure) => figure !== undefined)];
  };
  const bar = new SingleBar({
    format: () => {
      const line = barLine(title, total / Math.max(images, 1), figures(), stderr.columns);
      return `${line.title} ${styleText('cyan', line.bar, { stream: stderr })} ${line.figures}`;
    },
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
  });
  if (isTerminal) bar.start(images, done);
  return {
    advance(count, latest = []) {
      total += count;
      notes = latest;
      if (isTerminal) return bar.update(total);
      if (performance.now() - lastLine < LINE_EVERY_MS) return;
      lastLine = performance.now();
      console.log(`${title} ${figures().join(', ')}`);
    },
    stop() {
      if (isTerminal) bar.stop();
    },
  };
}

/**
 * A line that fits the terminal: figures that do not are left out.
 *
 * @param share of the work that is done, 0–1
 * @param figures the most important first
 * @param columns of the terminal
 */
export function barLine(
  title: string,
  share: number,
  figures: readonly string[],
  columns: number,
): { title: string; bar: string; figures: string } {
  const length = Math.min(24, 4 + (columns >> 4));
  const full = Math.round(length * Math.min(share, 1));
  let room = columns - title.length - length - 2;
  const fitting = figures.filter((figure, i) => {
    const width = figure.length + (i > 0 ? 2 : 0);
    if (width > room) return false;
    room -= width;
    return true;
  });
  return {
    title,
    bar: '█'.repeat(full) + '░'.repeat(length - full),
    figures: fitting.join(', '),
  };
}

/** `75` as `1 min 15 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `accuracy 87.1 %`, short enough for a bar's line. */
export function accuracyNote(name: string, fraction: number): string {
  return `${name} ${(100 * fraction).toFixed(1)} %`;
}

/** `0.8712` as `87.12 %`. */
export function formatPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
