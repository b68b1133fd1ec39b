import { type Options, SingleBar } from 'cli-progress';

/** A bar on the terminal; a line now and then where the output is a file. */
export interface Progress {
  /** @param note what the work shows of itself, such as the loss */
  advance(pictures: number, note?: string): void;
  stop(): void;
}

export type StartProgress = (title: string, pictures: number, done?: number) => Progress;

const options: Options = {
  format: '{title} [{bar}] {percentage}% | {value}/{total} pictures | {rate}/s | {left} left{note}',
  barCompleteChar: '█',
  barIncompleteChar: '·',
  barsize: 20,
  hideCursor: true,
  gracefulExit: false,
  noTTYOutput: true,
  notTTYSchedule: 10_000,
  emptyOnZero: true,
};

/** Shows pictures done, pictures per second and the time left. */
export const startProgress: StartProgress = (title, pictures, done = 0) => {
  const bar = new SingleBar(options);
  const begin = performance.now();
  let total = done;
  const payload = (note: string) => {
    const seconds = (performance.now() - begin) / 1000;
    const rate = (total - done) / Math.max(seconds, 1e-3);
    const left = rate > 0 ? formatSeconds((pictures - total) / rate) : '?';
    return { title, rate: Math.round(rate), left, note: note && ` | ${note}` };
  };
  bar.start(pictures, done, payload(''));
  return {
    advance(count, note = '') {
      total += count;
      bar.update(total, payload(note));
    },
    stop: () => bar.stop(),
  };
};

/** `75` as `1 min 15 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
