import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/**
 * Colours are variables of the page's style sheet, which defines them for light and dark schemes.
 * Quantities are drawn as opacity of a single colour.
 */
export const INK = 'var(--ink)';
const QUIET = 'var(--quiet)';
const LINE = 'var(--line)';
export const RIGHT = 'var(--green)';
export const WRONG = 'var(--red)';
export const SECOND = 'var(--amber)';

/** In pixels; a phone shows it without shrinking the text much. */
export const WIDTH = 400;
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

export const frame = {
  width: WIDTH,
  height: HEIGHT,
  autosize: { type: 'fit', contains: 'padding' },
} as const;

/** @returns an `<svg>` element whose colours are the page's variables */
export function draw(spec: TopLevelSpec): Promise<string> {
  const compiled = compile({ ...spec, config });
  return new View(parse(compiled.spec), { renderer: 'none' }).finalize().toSVG();
}
