import * as tf from '@tensorflow/tfjs';
import type { Random } from '../datasets/random.ts';
import { stepGradients } from './backward.ts';
import { type ConvolutionRun, convolutionGradients, runConvolution } from './convolution.ts';
import { runStep } from './forward.ts';
import type { DropoutStep, Parameter, Plan, Step } from './plan.ts';

/**
 * Runs a plan in inference mode.
 *
 * @param input `[n, …]`, kept
 * @returns the plan's output, `[n, …]`; the caller disposes of it
 */
export function runPlan(plan: Plan, input: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const lastReader = new Map(
      plan.steps.flatMap((step) => step.inputs.map((name) => [name, step])),
    );
    const values = new Map([[plan.input, input]]);
    for (const step of plan.steps) {
      values.set(step.output, runStep(step, read(values, step.inputs)));
      // Freed as soon as nothing will read it, so that memory stays that of a few layers.
      for (const name of new Set(step.inputs)) {
        if (lastReader.get(name) === step && name !== plan.input) values.get(name)?.dispose();
      }
    }
    return value(values, plan.output);
  });
}

/** The loss and its derivative, both by the network's logits. */
export interface LossGradient {
  readonly loss: tf.Scalar;
  /** `[n, classes]` */
  readonly logits: tf.Tensor2D;
}

export interface Gradients {
  readonly loss: tf.Scalar;
  /** Of the trainable parameters, by name; the caller disposes of them and of the loss. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

/**
 * Runs a plan in training mode (dropout active, BatchNorm frozen) and back.
 *
 * The reverse pass is written out rather than left to tfjs' tape, so that each activation is
 * freed at its last use, the photo's gradient is never computed, and each fused step has one
 * fused derivative.
 *
 * @param plan ends with a softmax, which the loss takes over
 * @param input `[n, …]`, kept
 * @param lossOf from logits `[n, classes]`
 * @param random for dropout
 */
export function planGradients(
  plan: Plan,
  input: tf.Tensor,
  lossOf: (logits: tf.Tensor2D) => LossGradient,
  random: Random,
): Gradients {
  const steps = plan.steps.filter((step) => step.kind !== 'softmax');
  const learning = learningValues(steps);
  const values = new Map([[plan.input, input]]);
  const convolutions = new Map<Step, ConvolutionRun>();
  const masks = new Map<Step, tf.Tensor>();
  const gradients = new Map<string, tf.Tensor>();
  const loss = tf.tidy(() => {
    for (const step of steps) {
      const inputs = read(values, step.inputs);
      if (step.kind === 'convolution') {
        const run = runConvolution(step, inputs[0] as tf.Tensor4D);
        convolutions.set(step, run);
        values.set(step.output, run.output);
      } else if (step.kind === 'dropout') {
        const [x] = inputs as [tf.Tensor];
        const mask = dropoutMask(x.shape, step, random);
        masks.set(step, mask);
        values.set(step.output, x.mul(mask));
      } else {
        values.set(step.output, runStep(step, inputs));
      }
    }

    const last = steps.at(-1) as Step;
    const { loss, logits } = lossOf(value(values, last.output) as tf.Tensor2D);
    const byOutput = new Map<string, tf.Tensor>([[last.output, logits]]);
    const pass = (name: string, gradient: tf.Tensor) => {
      if (!learning.has(name)) return gradient.dispose();
      const earlier = byOutput.get(name);
      byOutput.set(name, earlier ? earlier.add(gradient) : gradient);
      if (earlier) tf.dispose([earlier, gradient]);
    };
    const keep = ({ name }: Parameter, gradient: tf.Tensor | undefined) => {
      if (gradient) gradients.set(name, tf.keep(gradient));
    };
    const back = (step: (typeof steps)[number], dy: tf.Tensor) => {
      const needsInputGradient = step.inputs.some((name) => learning.has(name));
      const [inputName] = step.inputs as [string];
      switch (step.kind) {
        case 'convolution': {
          const run = convolutions.get(step) as ConvolutionRun;
          const by = convolutionGradients(step, run, dy as tf.Tensor4D, needsInputGradient);
          keep(step.kernel, by.kernel);
          if (step.bias) keep(step.bias, by.bias);
          if (by.input) pass(inputName, by.input);
          break;
        }
        case 'dropout':
          pass(inputName, dy.mul(masks.get(step) as tf.Tensor));
          break;
        default: {
          const inputs = read(values, step.inputs);
          const by = stepGradients(
            step,
            inputs,
            value(values, step.output),
            dy,
            needsInputGradient,
          );
          for (const [parameter, gradient] of by.parameters) keep(parameter, gradient);
          for (const [index, gradient] of by.inputs.entries()) {
            pass(step.inputs[index] as string, gradient);
          }
        }
      }
    };
    for (const step of steps.toReversed()) {
      const dy = byOutput.get(step.output);
      if (dy) back(step, dy);
      convolutions.get(step)?.scaledKernel.dispose();
      tf.dispose([dy ?? [], value(values, step.output)]);
    }
    return loss;
  });
  return { loss, gradients };
}

/** The values that change when the trainable parameters do: only these need gradients. */
function learningValues(steps: readonly Step[]): ReadonlySet<string> {
  const learning = new Set<string>();
  for (const step of steps) {
    const learns =
      (step.kind === 'convolution' || step.kind === 'dense') &&
      (step.kernel.value.trainable || step.bias?.value.trainable);
    if (learns || step.inputs.some((name) => learning.has(name))) learning.add(step.output);
  }
  return learning;
}

/** 0 and `1 / (1 − rate)`, so that the mean stays (Srivastava et al. 2014, §10). */
function dropoutMask(
  shape: readonly number[],
  { rate, wholeExamples }: DropoutStep,
  random: Random,
): tf.Tensor {
  const maskShape = wholeExamples ? [shape[0] as number, 1, 1, 1] : [...shape];
  const kept = Float32Array.from({ length: tf.util.sizeFromShape(maskShape) }, () =>
    random.float() < rate ? 0 : 1 / (1 - rate),
  );
  return tf.tensor(kept, maskShape);
}

function read(values: ReadonlyMap<string, tf.Tensor>, names: readonly string[]): tf.Tensor[] {
  return names.map((name) => value(values, name));
}

function value(values: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = values.get(name);
  if (!tensor) throw new Error(`The plan reads ${name} before it is written.`);
  return tensor;
}
