import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Metrics } from './metrics.ts';
import { epochsOf, type LogLine } from './run-log.ts';

/**
 * The colours are the page's own: its style sheet gives them values, for light and for dark.
 * What is more or less of something is drawn in one colour, more or less opaque.
 */
const INK = 'var(--ink)';
const QUIET = 'var(--quiet)';
const LINE = 'var(--line)';
const RIGHT = 'var(--green)';
const WRONG = 'var(--red)';
const SECOND = 'var(--amber)';

/** In pixels; what a phone shows without shrinking the text much. */
const WIDTH = 400;
const HEIGHT = 250;

const text = { labelColor: QUIET, titleColor: QUIET, labelFontSize: 12, titleFontSize: 12 };

const config = {
  background: 'transparent',
  padding: 4,
  font: 'inherit',
  view: { stroke: null },
  axis: {
    ...text,
    titleFontWeight: 'normal',
    gridColor: LINE,
    domainColor: LINE,
    tickColor: LINE,
    labelFlush: false,
  },
  legend: { ...text, title: null, orient: 'top', symbolStrokeWidth: 3, symbolType: 'stroke' },
  aria: false,
} as const;

const frame = {
  width: WIDTH,
  height: HEIGHT,
  autosize: { type: 'fit', contains: 'padding' },
} as const;

/** @returns an `<svg>` element whose colours are the page's variables */
function draw(spec: TopLevelSpec): Promise<string> {
  const compiled = compile({ ...spec, config });
  return new View(parse(compiled.spec), { renderer: 'none' }).finalize().toSVG();
}

/** Loss and validation accuracy by epoch, with a line where stage 2 begins. */
export async function drawLearningCurves(
  log: readonly LogLine[],
): Promise<{ loss: string; accuracy: string }> {
  const epochs = epochsOf(log);
  const first = epochs.filter(({ stage }) => stage === 1).length;
  const rows = epochs.map((line, index) => ({ ...line, at: index + 1 }));
  const x = {
    field: 'at',
    type: 'quantitative',
    title: 'epoch, of both stages',
    axis: { tickMinStep: 1, grid: false, format: 'd' },
    scale: { zero: false, nice: false },
  } as const;
  const boundary = {
    values: first === 0 || first === epochs.length ? [] : [{ at: first + 0.5 }],
  };
  const stageName = (name: string, align: 'left' | 'right') =>
    ({
      data: boundary,
      mark: { type: 'text', color: INK, align, dx: align === 'left' ? 5 : -5, y: 8, fontSize: 12 },
      encoding: { x, text: { value: name } },
    }) as const;
  const curve = (
    values: readonly { at: number; stage: 1 | 2; of: string; value: number }[],
    title: string,
    format: string,
  ) =>
    draw({
      ...frame,
      layer: [
        {
          data: { values: [...values] },
          mark: { type: 'line', point: { size: 22, filled: true }, strokeWidth: 2 },
          encoding: {
            x,
            y: {
              field: 'value',
              type: 'quantitative',
              title,
              axis: { format, tickCount: 5 },
              scale: { zero: false },
            },
            // The stages' curves do not touch: they are of two optimizations.
            detail: { field: 'stage', type: 'nominal' },
            color: {
              field: 'of',
              type: 'nominal',
              scale: { domain: ['validation', 'training'], range: [RIGHT, SECOND] },
              legend: values.some(({ of }) => of === 'training') ? {} : null,
            },
          },
        },
        {
          data: boundary,
          mark: { type: 'rule', color: INK, strokeDash: [4, 3] },
          encoding: { x },
        },
        stageName('stage 1', 'right'),
        stageName('stage 2', 'left'),
      ],
    });
  return {
    loss: await curve(
      rows.flatMap(({ at, stage, loss, validation }) => [
        { at, stage, of: 'training', value: loss },
        { at, stage, of: 'validation', value: validation.loss },
      ]),
      'loss',
      '~g',
    ),
    accuracy: await curve(
      rows.map(({ at, stage, validation }) => ({
        at,
        stage,
        of: 'validation',
        value: validation.accuracy,
      })),
      'top-1',
      '~%',
    ),
  };
}

/**
 * The reliability diagram (Guo et al. 2017, fig. 1): how often answers of about one confidence are
 * right. What they lack of the diagonal is red, what they have beyond it amber.
 */
export function drawReliability({ bins }: Metrics): Promise<string> {
  const most = Math.max(...bins.map(({ count }) => count));
  const values = bins.flatMap(({ count, confidence, accuracy }, index) => {
    if (count === 0) return [];
    const place = { from: index / bins.length, to: (index + 1) / bins.length };
    // The paler, the fewer answers it stands for.
    const opacity = 0.3 + 0.7 * Math.sqrt(count / most);
    const [low, high] = [Math.min(accuracy, confidence), Math.max(accuracy, confidence)];
    const gap = accuracy < confidence ? WRONG : SECOND;
    return [
      { ...place, opacity, low: 0, high: low, colour: RIGHT },
      { ...place, opacity, low, high, colour: gap },
    ];
  });
  const axis = { format: '~%', tickCount: 5 };
  const scale = { domain: [0, 1] };
  return draw({
    ...frame,
    height: WIDTH * 0.8,
    layer: [
      {
        data: { values },
        mark: { type: 'bar', binSpacing: 1 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            bin: 'binned',
            title: 'confidence',
            axis: { ...axis, grid: false },
            scale,
          },
          x2: { field: 'to' },
          y: { field: 'low', type: 'quantitative', title: 'accuracy', axis, scale },
          y2: { field: 'high' },
          color: { field: 'colour', type: 'nominal', scale: null },
          opacity: { field: 'opacity', type: 'quantitative', scale: null },
        },
      },
      {
        data: { values: [{ x: 0, y: 0, x2: 1, y2: 1 }] },
        mark: { type: 'rule', color: INK, strokeDash: [4, 3] },
        encoding: {
          x: { field: 'x', type: 'quantitative' },
          y: { field: 'y', type: 'quantitative' },
          x2: { field: 'x2' },
          y2: { field: 'y2' },
        },
      },
    ],
  });
}

/** More classes than these have too small cells for numbers. */
const NUMBERED = 12;

/** @param confusion `[actual][predicted]` pictures */
export function drawConfusion(
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): Promise<string> {
  const mistakes = confusion.flatMap((counts, actual) => counts.toSpliced(actual, 1));
  const mostWrong = Math.max(1, ...mistakes);
  const values = confusion.flatMap((counts, actual) => {
    const pictures = counts.reduce((sum, count) => sum + count, 0);
    return counts.flatMap((count, predicted) => {
      if (count === 0) return [];
      const right = actual === predicted;
      // A mistake is rare, and shall be seen.
      const opacity = right ? count / pictures : 0.1 + 0.9 * Math.sqrt(count / mostWrong);
      return [{ actual, predicted, count, opacity, right }];
    });
  });
  const names = Object.fromEntries(labels.entries());
  const side = Math.max(WIDTH, labels.length * 16 + 110);
  const axis = {
    labelExpr: `${JSON.stringify(names)}[datum.value]`,
    labelLimit: 110,
    labelOverlap: false,
    ticks: false,
    domain: false,
  } as const;
  const domain = [...labels.keys()];
  return draw({
    ...frame,
    width: side,
    height: side,
    data: { values },
    encoding: {
      x: {
        field: 'predicted',
        type: 'ordinal',
        title: 'predicted',
        scale: { domain },
        axis: { ...axis, labelAngle: -45 },
      },
      y: { field: 'actual', type: 'ordinal', title: 'actual', scale: { domain }, axis },
    },
    layer: [
      {
        mark: { type: 'rect', cornerRadius: 2 },
        encoding: {
          color: { condition: { test: 'datum.right', value: RIGHT }, value: WRONG },
          opacity: { field: 'opacity', type: 'quantitative', scale: null },
        },
      },
      {
        // Numbers, where they fit.
        data: { values: labels.length > NUMBERED ? [] : values },
        mark: { type: 'text', fontSize: 11 },
        encoding: {
          text: { field: 'count', type: 'quantitative' },
          color: {
            condition: { test: 'datum.opacity > 0.6', value: 'var(--on-colour)' },
            value: INK,
          },
        },
      },
    ],
  });
}
