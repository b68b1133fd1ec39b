import { WriteStream } from 'node:tty';
import { afterEach, expect, test, vi } from 'vitest';
import { barLine, formatPercent, formatSeconds, startProgress } from './progress.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([
  [formatSeconds, 0, '0 s'],
  [formatSeconds, 59.4, '59 s'],
  [formatSeconds, 59.5, '1 min 0 s'],
  [formatSeconds, 75, '1 min 15 s'],
  [formatSeconds, 3725, '62 min 5 s'],
  [formatPercent, 0, '0.00 %'],
  [formatPercent, 0.8712, '87.12 %'],
  [formatPercent, 0.99996, '100.00 %'],
  [formatPercent, 1, '100.00 %'],
])('%o writes %d as %s', (format, number, text) => {
  expect(format(number)).toBe(text);
});

const FIGURES = [
  ...['45 %', '1 min 15 s left', 'accuracy 91.2 %', 'validation 93.1 %'],
  ...['95 images/s', 'loss 0.3214'],
];

test.each([
  [40, '45 %'],
  [80, '45 %, 1 min 15 s left, accuracy 91.2 %, 95 images/s'],
  [100, '45 %, 1 min 15 s left, accuracy 91.2 %, validation 93.1 %, 95 images/s'],
  [120, FIGURES.join(', ')],
])('fits a line into %d columns', (columns, expected) => {
  const { title, bar, figures } = barLine('Stage 2, epoch 1/2', 0.45, FIGURES, columns);
  expect(figures).toBe(expected);
  expect(`${title} ${bar} ${figures}`.length).toBeLessThanOrEqual(columns);
  expect(bar).toMatch(/^█+░+$/);
});

/** What a progress of 10 images prints, on stderr of a terminal and on stdout. */
function printed(isTerminal: boolean): { err: string; out: string[] } {
  const out: string[] = [];
  let err = '';
  const { stderr } = process;
  vi.useFakeTimers();
  vi.spyOn(console, 'log').mockImplementation((line: string) => out.push(line));
  vi.spyOn(stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  const { isTTY, columns } = stderr;
  // Which a terminal's stream has, and which heeds NO_COLOR.
  const { getColorDepth } = WriteStream.prototype;
  Object.assign(stderr, { isTTY: isTerminal, columns: 120, getColorDepth });
  try {
    const progress = startProgress('Stage 1', 10, 0, ['validation 50.0 %']);
    for (let image = 0; image < 10; image++) {
      vi.advanceTimersByTime(4000);
      progress.advance(1, ['accuracy 40.0 %']);
    }
    progress.stop();
  } finally {
    Object.assign(stderr, { isTTY, columns });
  }
  return { err, out };
}

test('prints a plain line now and then where there is no terminal', () => {
  const { err, out } = printed(false);
  expect(err).toBe('');
  expect(out).toEqual([
    'Stage 1 40 %, 24 s left, accuracy 40.0 %, validation 50.0 %, 0 images/s',
    'Stage 1 80 %, 8 s left, accuracy 40.0 %, validation 50.0 %, 0 images/s',
  ]);
});

test.each(['', '1'])('draws a bar on a terminal, without colour for NO_COLOR=%s', (noColor) => {
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('FORCE_COLOR', undefined);
  // Node takes a terminal of an unknown CI for one without colours.
  vi.stubEnv('CI', undefined);
  vi.stubEnv('NO_COLOR', noColor || undefined);
  const { err, out } = printed(true);
  expect(out).toEqual([]);
  expect(err).toContain('Stage 1 ');
  expect(err).toContain('accuracy 40.0 %, validation 50.0 %');
  expect(err.includes('\u001b[36m')).toBe(noColor === '');
});

test('draws no bar on a terminal that cannot move its cursor', () => {
  vi.stubEnv('TERM', 'dumb');
  const { err, out } = printed(true);
  expect(err).toBe('');
  expect(out).toHaveLength(2);
});
