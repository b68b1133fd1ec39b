import { SingleBar } from 'cli-progress';

/** Shows progress: as a bar on a terminal, otherwise as an occasional line. */
export interface Progress {
  /** @param note a figure of the work to show beside the bar, such as the loss */
  advance(images: number, note?: string): void;
  /** Removes the bar; the caller reports the result. */
  stop(): void;
}

const LINE_EVERY_MS = 15_000;

/**
 * Shows images done, images per second and the time left.
 *
 * @param done images that an earlier session has processed
 */
export function startProgress(title: string, images: number, done = 0): Progress {
  // The bar is drawn on stderr.
  const isTerminal = process.stderr.isTTY === true;
  const begin = performance.now();
  let total = done;
  let lastLine = begin;
  const state = (note: string) => {
    const rate = (total - done) / ((performance.now() - begin) / 1000);
    const left = rate > 0 ? formatSeconds((images - total) / rate) : '…';
    return {
      title,
      numbers: [`${Math.round(rate)} images/s`, `${left} left`, note].filter(Boolean).join(', '),
    };
  };
  const bar = new SingleBar({
    format: '{title} {bar} {percentage} %, {numbers}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
  });
  if (isTerminal) bar.start(images, done, { title, numbers: '' });
  return {
    advance(count, note = '') {
      total += count;
      const { numbers } = state(note);
      if (isTerminal) return bar.update(total, { numbers });
      if (performance.now() - lastLine < LINE_EVERY_MS) return;
      lastLine = performance.now();
      console.log(`${title} ${Math.floor((100 * total) / images)} %, ${numbers}`);
    },
    stop() {
      if (isTerminal) bar.stop();
    },
  };
}

/** `75` as `1 min 15 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `0.8712` as `87.12 %`. */
export function formatPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
