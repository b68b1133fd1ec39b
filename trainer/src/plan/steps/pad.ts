import * as tf from '@tensorflow/tfjs';
import { integerType } from '../graph-writer.ts';
import { baseOf, oneStep } from '../layers/layer-options.ts';
import { inputGradients, type Operation, type StepBase } from '../operation.ts';

/** Rows and columns of zeros at each side; a negative number crops as many. */
export interface PadStep extends StepBase {
  readonly kind: 'pad';
  readonly rows: readonly [top: number, bottom: number];
  readonly columns: readonly [left: number, right: number];
}

type Amounts = Pick<PadStep, 'rows' | 'columns'>;

export const pad: Operation<PadStep> = {
  layers: {
    ZeroPadding2D: (layer) => oneStep(padStep(layer, sidesOf(layer, 'padding'))),
    Cropping2D: (layer) => oneStep(padStep(layer, negative(sidesOf(layer, 'cropping')))),
  },
  forward: (step, inputs) => ({ output: padTensor(inputs[0] as tf.Tensor4D, step) }),
  backward: (step, context) =>
    inputGradients(context, () => [padTensor(context.dy as tf.Tensor4D, negative(step))]),
  outputShape({ rows, columns }, [input]) {
    const [height, width, channels] = input as [number, number, number];
    return [height + rows[0] + rows[1], width + columns[0] + columns[1], channels];
  },
  writeGraph({ inputs, output, rows, columns }, graph) {
    const [input] = inputs as [string];
    const amounts = [...rows, ...columns];
    const [top, bottom, left, right] = amounts.map((count) => Math.max(-count, 0)) as Sides;
    const crops = top + bottom + left + right > 0;
    const pads = amounts.some((count) => count > 0);
    let cropped = input;
    if (crops) {
      // A bit of the mask leaves its dimension uncut: those of batch and channels are 1 and 8.
      const endMask = 1 + (bottom === 0 ? 2 : 0) + (right === 0 ? 4 : 0) + 8;
      cropped = graph.node(
        pads ? `${output}/cropped` : output,
        'StridedSlice',
        [
          input,
          graph.integers(`${output}/begin`, [0, top, left, 0]),
          graph.integers(`${output}/end`, [0, -bottom, -right, 0]),
          graph.integers(`${output}/strides`, [1, 1, 1, 1]),
        ],
        { ...integerType('Index'), begin_mask: { i: '9' }, end_mask: { i: `${endMask}` } },
      );
    }
    if (!pads && crops) return;
    const paddings = [0, 0, ...amounts.map((count) => Math.max(count, 0)), 0, 0];
    graph.node(
      output,
      'Pad',
      [cropped, graph.integers(`${output}/paddings`, paddings, [4, 2])],
      integerType('Tpaddings'),
    );
  },
};

type Sides = [top: number, bottom: number, left: number, right: number];

function padStep(layer: tf.layers.Layer, amounts: Amounts): PadStep {
  return { ...baseOf(layer), kind: 'pad', ...amounts };
}

function sidesOf(layer: tf.layers.Layer, option: string): Amounts {
  const [rows, columns] = layer.getConfig()[option] as [[number, number], [number, number]];
  return { rows, columns };
}

function negative({ rows: [top, bottom], columns: [left, right] }: Amounts): Amounts {
  return { rows: [-top, -bottom], columns: [-left, -right] };
}

/** Adds zeros where the amounts are positive, and crops where they are negative. */
function padTensor(x: tf.Tensor4D, { rows, columns }: Amounts): tf.Tensor4D {
  return tf.tidy(() => {
    const added = [...rows, ...columns].map((count) => Math.max(count, 0));
    const removed = [...rows, ...columns].map((count) => Math.max(-count, 0));
    const [top, bottom, left, right] = added as Sides;
    const [cropTop, cropBottom, cropLeft, cropRight] = removed as Sides;
    const [n, height, width, channels] = x.shape;
    const cropped = tf.slice(
      x,
      [0, cropTop, cropLeft, 0],
      [n, height - cropTop - cropBottom, width - cropLeft - cropRight, channels],
    );
    return tf.pad(cropped, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  });
}
