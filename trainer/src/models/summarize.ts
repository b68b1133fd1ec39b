import type * as tf from '@tensorflow/tfjs';

/** A model as Keras' `summary` prints it: a row for each layer with its number, then the totals. */
export function summarize(model: tf.LayersModel): string {
  const rows = model.layers.map((layer, index) => [
    `${index}`,
    `${layer.name} (${layer.getClassName()})`,
    `(${[layer.outputShape]
      .flat()
      .map((length) => length ?? 'None')
      .join(', ')})`,
    format(layer.countParams()),
  ]);
  const table = [['', 'Layer (type)', 'Output Shape', 'Param #'], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] as number;
        return column === 0 || column === 3 ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  '),
  );
  const total = count(model.weights);
  const trainable = count(
    model.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : [])),
  );
  return [
    ...lines,
    `Total params: ${format(total)} (${((total * 4) / 2 ** 20).toFixed(2)} MB)`,
    `Trainable params: ${format(trainable)}`,
    `Non-trainable params: ${format(total - trainable)}`,
  ].join('\n');
}

function count(weights: readonly { readonly shape: readonly (number | null)[] }[]): number {
  return weights.reduce(
    (sum, { shape }) => sum + shape.reduce<number>((size, length) => size * (length ?? 1), 1),
    0,
  );
}

function format(value: number): string {
  return value.toLocaleString('en');
}
