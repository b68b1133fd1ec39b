import type * as tf from '@tensorflow/tfjs';

/** A weight of the network, under Keras' name for it, such as `stem_conv/kernel`. */
export interface Parameter {
  readonly name: string;
  readonly value: tf.Variable;
}

export type Activation = 'linear' | 'relu' | 'relu6';

interface StepBase {
  /** Keras' name of the layer that the step comes from; of the first, where it fuses several. */
  readonly name: string;
  /** Names of the values that it reads and of the one that it writes. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** Convolution, then a frozen BatchNorm or a bias, then an activation. */
export interface ConvolutionStep extends StepBase {
  readonly kind: 'convolution';
  readonly depthwise: boolean;
  /** `[height, width, in, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: Parameter;
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly batchNorm: FrozenBatchNorm;
  readonly activation: Activation;
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

export interface AddStep extends StepBase {
  readonly kind: 'add';
}

/** `[n, height, width, channels]` to `[n, channels]`. */
export interface GlobalAveragePoolStep extends StepBase {
  readonly kind: 'global-average-pool';
}

export interface DropoutStep extends StepBase {
  readonly kind: 'dropout';
  /** Fraction of the units set to 0 in training. */
  readonly rate: number;
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
  | AddStep
  | GlobalAveragePoolStep
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

/** What training may change: every kernel and bias. BatchNorm is frozen, hence constants. */
export function parametersOf(plan: Plan): Parameter[] {
  return plan.steps.flatMap((step) => {
    if (step.kind === 'convolution') return [step.kernel];
    if (step.kind === 'dense') return [step.kernel, step.bias];
    return [];
  });
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
    if (step.kind !== 'convolution') continue;
    step.batchNorm.scale.dispose();
    step.batchNorm.shift.dispose();
  }
}
