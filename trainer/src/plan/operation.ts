import type * as tf from '@tensorflow/tfjs';
import type { Random } from '../config/random.ts';
import type { GraphWriter } from './graph-writer.ts';
import type { LayerFlow } from './layers/layer-flow.ts';

/** A weight of the network, under Keras' name for it, such as `stem_conv/kernel`. */
export interface Parameter {
  readonly name: string;
  /** `trainable` is false for the weights of frozen layers, which training leaves as they are. */
  readonly value: tf.Variable;
}

/** What every step has; each file in `steps/` adds what its kind needs. */
export interface StepBase {
  readonly kind: string;
  /** Keras' name of the layer that the step comes from; of the first, where it fuses several. */
  readonly name: string;
  /** Names of the values that it reads and of the one that it writes. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** The steps for a layer, and the following layers that these steps include. */
export interface FusedLayer {
  readonly steps: readonly StepBase[];
  readonly layers: readonly tf.layers.Layer[];
}

/** The result of a step's forward pass. */
export interface StepRun {
  readonly output: tf.Tensor;
  /** What the backward pass needs beyond inputs and output; freed with the output. */
  readonly saved?: readonly tf.Tensor[];
}

export interface StepGradients {
  /** The gradient of the loss with respect to each of the step's inputs; empty where none is needed. */
  readonly inputs: readonly tf.Tensor[];
  /** The same for each of the step's parameters that are trainable. */
  readonly parameters: readonly (readonly [Parameter, tf.Tensor])[];
}

/** The input of a step's backward pass. */
export interface BackwardContext {
  readonly inputs: readonly tf.Tensor[];
  readonly output: tf.Tensor;
  /** What {@link Operation.forward} saved. */
  readonly saved: readonly tf.Tensor[];
  /** The gradient of the loss with respect to the step's output, kept. */
  readonly dy: tf.Tensor;
  /** False where no trainable parameter precedes the step. */
  readonly needsInputGradient: boolean;
}

/** Shape of one example: without the batch dimension. */
export type Shape = readonly number[];

/**
 * Everything about one kind of step: how it is read from a tf.layers model, what it computes, its
 * gradient, its shape and cost, and the graph nodes that serve it.
 */
export interface Operation<S extends StepBase> {
  /** Turns layers of tf.layers into steps, by their class names. @throws Error naming what no step supports */
  readonly layers: Readonly<
    Record<string, (layer: tf.layers.Layer, flow: LayerFlow) => FusedLayer>
  >;
  /**
   * @param random draws dropout masks in training; absent in inference
   * @returns tensors that the caller disposes of
   */
  forward(step: S, inputs: readonly tf.Tensor[], random?: Random): StepRun;
  /** @returns tensors that the caller disposes of */
  backward(step: S, context: BackwardContext): StepGradients;
  /** Shape of one example's output. Absent: that of the first input. */
  outputShape?(step: S, inputs: readonly Shape[]): Shape;
  /** Multiplications and additions for one example. Absent: too few to count. */
  cost?(step: S, output: Shape): number;
  /** Kernels and biases, frozen ones too. Absent: none. */
  parameters?(step: S): Parameter[];
  /** Constants that the plan owns. Absent: none. */
  constants?(step: S): tf.Tensor[];
  /**
   * Writes the step as nodes of a TensorFlow graph, the last of which has the name of the step's output.
   *
   * @param factor multiplies the step's output; 1 but for the last dense step
   */
  writeGraph(step: S, graph: GraphWriter, factor: number): Promise<void> | void;
}

/** Gradients of a step without parameters. */
export function inputGradients(
  { needsInputGradient }: BackwardContext,
  compute: () => tf.Tensor[],
): StepGradients {
  return { inputs: needsInputGradient ? compute() : [], parameters: [] };
}
