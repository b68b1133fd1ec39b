import { epochsOf, type LogLine, stepsOf } from '../../runs/run-log.ts';
import { draw, frame, INK, RIGHT, SECOND } from './draw.ts';

/**
 * Draws loss and validation accuracy by epoch. Each stage takes half of the width, however many epochs it
 * has, and a line marks the start of the second.
 */
export async function drawLearningCurves(
  log: readonly LogLine[],
): Promise<{ loss: string; accuracy: string }> {
  const [epochs, steps] = [epochsOf(log), stepsOf(log)];
  const lengths = ([1, 2] as const)
    .map((stage) => ({
      stage,
      length: Math.max(
        0,
        ...[...epochs, ...steps].map((line) => (line.stage === stage ? line.epoch : 0)),
      ),
    }))
    .filter(({ length }) => length > 0);
  const axis = epochAxis(lengths.map(({ length }) => length));
  /** @param done completed epochs of the stage */
  const at = (stage: 1 | 2, done: number) => {
    const place = lengths.findIndex((one) => one.stage === stage);
    return place + done / (lengths[place]?.length ?? 1);
  };
  const training = steps.map(({ stage, epoch, step, of, loss }) => ({
    at: at(stage, epoch - 1 + step / of),
    stage,
    of: 'training',
    value: loss,
  }));
  const validation = (measureOf: (line: (typeof epochs)[number]) => number) =>
    epochs.map((line) => ({
      at: at(line.stage, line.epoch),
      stage: line.stage,
      of: 'validation',
      value: measureOf(line),
    }));
  return {
    loss: await drawCurves(
      [...training, ...validation(({ validation }) => validation.loss)],
      axis,
      {
        title: 'loss',
        format: '~g',
        names: 'top',
      },
    ),
    accuracy: await drawCurves(
      validation(({ validation }) => validation.accuracy),
      axis,
      { title: 'top-1', format: '~%', names: 'bottom' },
    ),
  };
}

interface EpochAxis {
  /** Number of stages, each of length 1. */
  readonly stages: number;
  /** Completed epochs by the position of their tick. */
  readonly labels: Readonly<Record<number, number>>;
}

/** @param lengths epochs of each stage */
function epochAxis(lengths: readonly number[]): EpochAxis {
  const labels: Record<number, number> = { 0: 0 };
  let before = 0;
  for (const [stage, length] of lengths.entries()) {
    const every = Math.ceil(length / 4);
    for (let done = length; done > 0; done -= every) labels[stage + done / length] = before + done;
    before += length;
  }
  return { stages: lengths.length, labels };
}

interface CurvePoint {
  readonly at: number;
  readonly stage: 1 | 2;
  readonly of: string;
  readonly value: number;
}

interface CurveStyle {
  readonly title: string;
  /** Number format of d3. */
  readonly format: string;
  /** Where the names of the stages stand, away from the curves. */
  readonly names: 'top' | 'bottom';
}

function drawCurves(
  points: readonly CurvePoint[],
  { stages, labels }: EpochAxis,
  style: CurveStyle,
): Promise<string> {
  const boundary = stages > 1 ? [{ at: 1 }] : [];
  const domain = [0, stages];
  const x = {
    field: 'at',
    type: 'quantitative',
    title: 'epochs',
    axis: {
      values: Object.keys(labels).map(Number),
      labelExpr: `${JSON.stringify(labels)}[datum.value]`,
      grid: false,
    },
    scale: { domain, nice: false },
  } as const;
  const y = {
    field: 'value',
    type: 'quantitative',
    title: style.title,
    axis: { format: style.format, tickCount: 5 },
    scale: { zero: false },
  } as const;
  const color = colourOf(points);
  return draw({
    ...frame,
    layer: [
      {
        data: { values: [...points] },
        mark: { type: 'line', strokeWidth: 2 },
        // The curves of the stages are separate: they belong to different optimizations.
        encoding: { x, y, color, detail: { field: 'stage', type: 'nominal' } },
      },
      {
        data: { values: points.filter(({ of }) => of === 'validation') },
        mark: { type: 'point', filled: true, size: 22, opacity: 1 },
        encoding: { x, y, color },
      },
      {
        data: { values: boundary },
        mark: { type: 'rule', color: INK, strokeDash: [4, 3] },
        encoding: { x },
      },
      ...(['right', 'left'] as const).map((align, stage) => ({
        data: { values: boundary },
        mark: stageMark(align, style),
        encoding: { x, text: { value: `stage ${stage + 1}` } },
      })),
    ],
  });
}

/** Without validation images there is no such curve. */
function colourOf(points: readonly CurvePoint[]) {
  const curves = Object.entries({ validation: RIGHT, training: SECOND }).filter(([name]) =>
    points.some(({ of }) => of === name),
  );
  return {
    field: 'of',
    type: 'nominal',
    scale: { domain: curves.map(([name]) => name), range: curves.map(([, colour]) => colour) },
    legend: points.some(({ of }) => of === 'training') ? {} : null,
  } as const;
}

/** The name of a stage, beside the line between the two. */
function stageMark(align: 'left' | 'right', { names }: CurveStyle) {
  return {
    type: 'text',
    color: INK,
    align,
    dx: align === 'left' ? 5 : -5,
    ...(names === 'top' ? { y: 8 } : ({ y: 'height', dy: -8 } as const)),
    fontSize: 12,
  } as const;
}
