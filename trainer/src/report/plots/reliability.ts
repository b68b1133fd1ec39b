import type { Reliability } from '../../evaluation/metrics.ts';
import { draw, frame, INK, RIGHT, SECOND, WIDTH, WRONG } from './draw.ts';

/**
 * Draws the reliability diagram (Guo et al. 2017, fig. 1): accuracy by confidence. The gap to the diagonal is
 * red where predictions are overconfident, amber where they are underconfident.
 */
export function drawReliability({ bins }: Pick<Reliability, 'bins'>): Promise<string> {
  const most = Math.max(...bins.map(({ count }) => count));
  const values = bins.flatMap(({ count, confidence, accuracy }, index) => {
    if (count === 0) return [];
    const place = { from: index / bins.length, to: (index + 1) / bins.length };
    // The paler a bar, the fewer predictions it stands for.
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
