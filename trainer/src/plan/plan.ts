import type * as tf from '@tensorflow/tfjs';

/** A weight of the network, under Keras' name for it, such as `stem_conv/kernel`. */
export interface Parameter {
  readonly name: string;
  /** Its `trainable` says whether training moves it: the weights of frozen layers stay. */
  readonly value: tf.Variable;
}

/** What a convolution does to its output in the same pass. */
export type FusedActivation = 'linear' | 'relu' | 'relu6';

export type Activation = Exclude<FusedActivation, 'linear'> | 'sigmoid' | 'swish' | 'tanh';

interface StepBase {
  /** Keras' name of the layer that the step comes from; of the first, where it fuses several. */
  readonly name: string;
  /** Names of the values that it reads and of the one that it writes. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** Convolution, its bias, a frozen BatchNorm, then an activation; all but the first may be absent. */
export interface ConvolutionStep extends StepBase {
  readonly kind: 'convolution';
  readonly depthwise: boolean;
  /** `[height, width, in / groups, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: Parameter;
  /** Shares of the input's channels, each read by its share of the filters only. */
  readonly groups: number;
  readonly bias: Parameter | undefined;
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly batchNorm: FrozenBatchNorm | undefined;
  readonly activation: FusedActivation;
}

/**
 * BatchNorm in inference mode: `x * scale + shift`, two constants a channel
 * (Ioffe & Szegedy 2015, Algorithm 2, step 11).
 */
export interface FrozenBatchNorm {
  /** `gamma / sqrt(moving_variance + epsilon)`, shaped so that `kernel * scale` broadcasts. */
  readonly scale: tf.Tensor;
  /** `beta − moving_mean * scale`, `[channels]`. */
  readonly shift: tf.Tensor1D;
}

/** A BatchNorm that no convolution could take in: `x * scale + shift`. */
export interface AffineStep extends StepBase {
  readonly kind: 'affine';
  readonly batchNorm: FrozenBatchNorm;
}

export interface ActivationStep extends StepBase {
  readonly kind: 'activation';
  readonly activation: Activation;
}

export interface AddStep extends StepBase {
  readonly kind: 'add';
}

/** Of two values, the second `[n, 1, 1, channels]`: squeeze-and-excitation's gate. */
export interface MultiplyStep extends StepBase {
  readonly kind: 'multiply';
}

/** Along the channels. */
export interface ConcatStep extends StepBase {
  readonly kind: 'concat';
}

/** Maximum or mean of each window; padding takes no part in either. */
export interface PoolStep extends StepBase {
  readonly kind: 'max-pool' | 'average-pool';
  readonly size: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
}

/** Rows and columns of zeros at each side; a negative number takes away as many. */
export interface PadStep extends StepBase {
  readonly kind: 'pad';
  readonly rows: readonly [top: number, bottom: number];
  readonly columns: readonly [left: number, right: number];
}

/** Divides by the neighbouring channels' squares (Krizhevsky et al. 2012, §3.3). */
export interface LocalResponseNormalizationStep extends StepBase {
  readonly kind: 'local-response-normalization';
  /** Channels to each side. */
  readonly radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** `[n, height, width, channels]` to `[n, channels]`. */
export interface GlobalAveragePoolStep extends StepBase {
  readonly kind: 'global-average-pool';
}

/** `[n, height, width, channels]` to `[n, channels]`. */
export interface GlobalMaxPoolStep extends StepBase {
  readonly kind: 'global-max-pool';
}

export interface ReshapeStep extends StepBase {
  readonly kind: 'reshape';
  /** Of one example. */
  readonly shape: readonly number[];
}

export interface DropoutStep extends StepBase {
  readonly kind: 'dropout';
  /** Fraction of the units set to 0 in training. */
  readonly rate: number;
  /** Drops all of an example's units or none: stochastic depth (Huang et al. 2016). */
  readonly wholeExamples: boolean;
}

/** `[n, in]` to `[n, out]`: `x · kernel + bias`. */
export interface DenseStep extends StepBase {
  readonly kind: 'dense';
  readonly kernel: Parameter;
  readonly bias: Parameter;
}

export interface SoftmaxStep extends StepBase {
  readonly kind: 'softmax';
}

export type Step =
  | ConvolutionStep
  | AffineStep
  | ActivationStep
  | AddStep
  | MultiplyStep
  | ConcatStep
  | PoolStep
  | PadStep
  | LocalResponseNormalizationStep
  | GlobalAveragePoolStep
  | GlobalMaxPoolStep
  | ReshapeStep
  | DropoutStep
  | DenseStep
  | SoftmaxStep;

/**
 * A network as fused steps, in the order they run. Training, export and analyses all read this
 * one form, so that what is trained is what is served.
 */
export interface Plan {
  readonly input: string;
  readonly output: string;
  readonly steps: readonly Step[];
}

/** Every kernel and bias, frozen ones too. BatchNorm is always frozen, hence constants. */
export function parametersOf(plan: Plan): Parameter[] {
  return plan.steps.flatMap((step) => {
    if (step.kind === 'convolution') return step.bias ? [step.kernel, step.bias] : [step.kernel];
    if (step.kind === 'dense') return [step.kernel, step.bias];
    return [];
  });
}

/** What training moves. */
export function trainableParametersOf(plan: Plan): Parameter[] {
  return parametersOf(plan).filter(({ value }) => value.trainable);
}

/** Cuts a plan behind the step called `name`: the trunk up to it, and the head from there on. */
export function cutPlan(plan: Plan, name: string): { trunk: Plan; head: Plan } {
  const at = plan.steps.findIndex((step) => step.name === name);
  const cut = plan.steps[at];
  if (!cut) throw new Error(`The plan has no step ${name}.`);
  return {
    trunk: { input: plan.input, output: cut.output, steps: plan.steps.slice(0, at + 1) },
    head: { input: cut.output, output: plan.output, steps: plan.steps.slice(at + 1) },
  };
}

/** Frees the parameters and constants. */
export function disposePlan(plan: Plan): void {
  for (const { value } of parametersOf(plan)) value.dispose();
  for (const step of plan.steps) {
    if (step.kind !== 'convolution' && step.kind !== 'affine') continue;
    step.batchNorm?.scale.dispose();
    step.batchNorm?.shift.dispose();
  }
}
