import * as tf from '@tensorflow/tfjs';
import type { Random } from '../config/random.ts';
import { operationOf, type Step } from './operations.ts';
import { isMultiLabel, type Plan } from './plan.ts';

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
      const { output, saved = [] } = operationOf(step).forward(step, read(values, step.inputs));
      tf.dispose([...saved]);
      values.set(step.output, output);
      // Each value is freed after its last use, so that memory holds those of a few layers only.
      for (const name of new Set(step.inputs)) {
        if (lastReader.get(name) === step && name !== plan.input) values.get(name)?.dispose();
      }
    }
    return value(values, plan.output);
  });
}

/** The loss, and its gradient with respect to the network's logits. */
export interface LossGradient {
  readonly loss: tf.Scalar;
  /** `[n, classes]` */
  readonly logits: tf.Tensor2D;
}

export interface Gradients {
  readonly loss: tf.Scalar;
  /** Gradients of the trainable parameters, by name; the caller disposes of them and of the loss. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

/**
 * Runs a plan forward in training mode (dropout active, BatchNorm frozen), then backward.
 *
 * The reverse pass is written out rather than left to tfjs' tape, so that each activation is
 * freed at its last use, the image's gradient is never computed, and each fused step has one
 * fused gradient.
 *
 * @param plan ends with a softmax or a sigmoid, which the loss includes
 * @param input `[n, …]`, kept
 * @param lossOf computes the loss from logits `[n, classes]`
 * @param random draws the dropout masks
 */
export function planGradients(
  plan: Plan,
  input: tf.Tensor,
  lossOf: (logits: tf.Tensor2D) => LossGradient,
  random: Random,
): Gradients {
  const steps = isMultiLabel(plan)
    ? plan.steps.slice(0, -1)
    : plan.steps.filter((step) => step.kind !== 'softmax');
  const learning = learningValues(steps);
  const values = new Map([[plan.input, input]]);
  const savedBy = new Map<Step, readonly tf.Tensor[]>();
  const gradients = new Map<string, tf.Tensor>();
  const loss = tf.tidy(() => {
    for (const step of steps) {
      const inputs = read(values, step.inputs);
      const { output, saved = [] } = operationOf(step).forward(step, inputs, random);
      values.set(step.output, output);
      savedBy.set(step, saved);
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
    for (const step of steps.toReversed()) {
      const dy = byOutput.get(step.output);
      const output = value(values, step.output);
      const saved = savedBy.get(step) ?? [];
      if (dy) {
        const by = operationOf(step).backward(step, {
          inputs: read(values, step.inputs),
          output,
          saved,
          dy,
          needsInputGradient: step.inputs.some((name) => learning.has(name)),
        });
        for (const [{ name }, gradient] of by.parameters) gradients.set(name, tf.keep(gradient));
        for (const [index, gradient] of by.inputs.entries()) {
          pass(step.inputs[index] as string, gradient);
        }
      }
      tf.dispose([dy ?? [], output, ...saved]);
    }
    return loss;
  });
  return { loss, gradients };
}

/** The values that change when the trainable parameters do: only these need gradients. */
function learningValues(steps: readonly Step[]): ReadonlySet<string> {
  const learning = new Set<string>();
  for (const step of steps) {
    const parameters = operationOf(step).parameters?.(step) ?? [];
    const learns = parameters.some(({ value }) => value.trainable);
    if (learns || step.inputs.some((name) => learning.has(name))) learning.add(step.output);
  }
  return learning;
}

function read(values: ReadonlyMap<string, tf.Tensor>, names: readonly string[]): tf.Tensor[] {
  return names.map((name) => value(values, name));
}

function value(values: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = values.get(name);
  if (!tensor) throw new Error(`The plan reads ${name} before it is written.`);
  return tensor;
}
