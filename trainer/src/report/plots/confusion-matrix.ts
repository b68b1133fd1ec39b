import { printable } from '../../printable.ts';
import { draw, frame, INK, RIGHT, WIDTH, WRONG } from './draw.ts';

/** With more classes, the cells are too small for numbers. */
const NUMBERED = 12;

/** @param confusion `[actual][predicted]` images */
export function drawConfusionMatrix(
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): Promise<string> {
  const mistakes = confusion.flatMap((counts, actual) => counts.toSpliced(actual, 1));
  const mostWrong = Math.max(1, ...mistakes);
  const values = confusion.flatMap((counts, actual) => {
    const images = counts.reduce((sum, count) => sum + count, 0);
    return counts.flatMap((count, predicted) => {
      if (count === 0) return [];
      const right = actual === predicted;
      // Mistakes are rare, so the square root makes them visible.
      const opacity = right ? count / images : 0.1 + 0.9 * Math.sqrt(count / mostWrong);
      return [{ actual, predicted, count, opacity, right }];
    });
  });
  // After a space, since Vega mistakes `constructor` for the property that every object has.
  const names = Object.fromEntries(labels.map((label, index) => [index, ` ${label}`]));
  const side = Math.max(WIDTH, labels.length * 16 + 160);
  const axis = {
    labelExpr: `slice(${printable(JSON.stringify(names))}[datum.value], 1)`,
    labelLimit: 150,
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
        axis: { ...axis, labelAngle: labels.length > NUMBERED ? -90 : -45 },
      },
      y: { field: 'actual', type: 'ordinal', title: 'label', scale: { domain }, axis },
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
        // Numbers are drawn only where they fit.
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
