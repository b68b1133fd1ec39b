import type * as tf from '@tensorflow/tfjs';

/** How values go from layer to layer in a model of one input and one output. */
export interface LayerFlow {
  readonly input: string;
  readonly output: string;
  /**
   * The one layer that reads another's output, if it is of one of these classes, and if neither
   * a second layer nor the model's user reads it too: then the two can be fused.
   */
  nextOf(layer: tf.layers.Layer, ...classNames: string[]): tf.layers.Layer | undefined;
}

/** @throws Error when the model has several inputs or outputs */
export function layerFlow(model: tf.LayersModel): LayerFlow {
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (!input || !output || moreInputs.length + moreOutputs.length > 0) {
    throw new Error('Expected a model with one input and one output.');
  }
  const readers = new Map<string, tf.layers.Layer[]>();
  for (const layer of model.layers) {
    if (layer.getClassName() === 'InputLayer') continue;
    for (const name of namesOf(layer.input)) {
      readers.set(name, [...(readers.get(name) ?? []), layer]);
    }
  }
  return {
    input: input.name,
    output: output.name,
    nextOf(layer, ...classNames) {
      const value = nameOf(layer.output);
      const [reader, ...others] = readers.get(value) ?? [];
      if (!reader || others.length > 0 || value === output.name) return undefined;
      return classNames.includes(reader.getClassName()) ? reader : undefined;
    },
  };
}

/** The names of a layer's inputs or outputs. */
export function namesOf(tensors: tf.SymbolicTensor | tf.SymbolicTensor[]): string[] {
  return [tensors].flat().map(({ name }) => name);
}

/** The name of a layer's only input or output. */
export function nameOf(tensors: tf.SymbolicTensor | tf.SymbolicTensor[]): string {
  return namesOf(tensors)[0] as string;
}
