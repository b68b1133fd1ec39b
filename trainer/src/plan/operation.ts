import type * as tf from '@tensorflow/tfjs';
import type { Random } from '../config/random.ts';
import type { GraphWriter } from './graph-writer.ts';
import type { LayerFlow } from './layers/layer-flow.ts';

/** A weight of the network, under Keras' name for it, such as `stem_conv/kernel`. */
export interface Parameter {
  readonly name: string;
  /** Its `trainable` says whether training moves it: the weights of frozen layers stay. */
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

/** A layer as steps, with the layers after it that these take in. */
export interface FusedLayer {
  readonly steps: readonly StepBase[];
  readonly layers: readonly tf.layers.Layer[];
}

/** What a step's forward pass leaves. */
export interface StepRun {
  readonly output: tf.Tensor;
  /** What the backward pass needs beyond inputs and output; freed with the output. */
  readonly saved?: readonly tf.Tensor[];
}

export interface StepGradients {
  /** The gradient of the loss with respect to each of the step's inputs; none where it is not needed. */
  readonly inputs: readonly tf.Tensor[];
  /** The same for each of the step's parameters that are trainable. */
  readonly parameters: readonly (readonly [Parameter, tf.Tensor])[];
}

/** What a step's backward pass starts from. */
export interface BackwardContext {
  readonly inputs: readonly tf.Tensor[];
  readonly output: tf.Tensor;
  /** What {@link Operation.forward} saved. */
  readonly saved: readonly tf.Tensor[];
  /** The gradient of the loss with respect to the step's output, kept. */
  readonly dy: tf.Tensor;
  /** False where nothing that can learn precedes the step. */
  readonly needsInputGradient: boolean;
}

/** Shape of one example: without the batch dimension. */
export type Shape = readonly number[];

/**
 * All that there is to know of one kind of step: how tf.layers says it, what it computes, its
 * gradient, its shape and cost, and the graph nodes that serve it.
 */
export interface Operation<S extends StepBase> {
  /** Makes steps of tf.layers' layers, by their class names. @throws Error naming what no step stands for */
  readonly layers: Readonly<
    Record<string, (layer: tf.layers.Layer, flow: LayerFlow) => FusedLayer>
  >;
  /**
   * @param random of dropout, in training; absent in inference
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
   * Writes the step as nodes of a TensorFlow graph, the last of which is called as its output.
   *
   * @param factor that its output is multiplied by; only the last dense step's is not 1
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
