import * as tf from '@tensorflow/tfjs';
import type { Random } from '../datasets/random.ts';
import { type ConvolutionRun, convolutionGradients, runConvolution } from './convolution.ts';
import type { Plan, Step } from './plan.ts';

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
      for (const name of step.inputs) {
        if (lastReader.get(name) === step && name !== plan.input) values.get(name)?.dispose();
      }
    }
    return value(values, plan.output);
  });
}

function runStep(step: Step, inputs: readonly tf.Tensor[]): tf.Tensor {
  const [x] = inputs as [tf.Tensor];
  switch (step.kind) {
    case 'convolution': {
      const { output, scaledKernel } = runConvolution(step, x as tf.Tensor4D);
      scaledKernel.dispose();
      return output;
    }
    case 'add':
      return inputs.slice(1).reduce((sum, next) => sum.add(next), x);
    case 'global-average-pool':
      return x.mean([1, 2]);
    case 'dropout':
      return x.clone();
    case 'dense':
      return dense(
        x as tf.Tensor2D,
        step.kernel.value as tf.Tensor2D,
        step.bias.value as tf.Tensor1D,
      );
    case 'softmax':
      return tf.softmax(x);
  }
}

function dense(x: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return tf.matMul(x, kernel).add(bias);
}

/** The loss and its derivative, both by the network's logits. */
export interface LossGradient {
  readonly loss: tf.Scalar;
  /** `[n, classes]` */
  readonly logits: tf.Tensor2D;
}

export interface Gradients {
  readonly loss: tf.Scalar;
  /** By parameter name; the caller disposes of them and of the loss. */
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
        const mask = dropoutMask(x.shape, step.rate, random);
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
      const earlier = byOutput.get(name);
      byOutput.set(name, earlier ? earlier.add(gradient) : gradient);
      if (earlier) tf.dispose([earlier, gradient]);
    };
    for (const step of steps.toReversed()) {
      const dy = byOutput.get(step.output) as tf.Tensor;
      const [inputName] = step.inputs as [string];
      const x = value(values, inputName);
      switch (step.kind) {
        case 'convolution': {
          const run = convolutions.get(step) as ConvolutionRun;
          const by = convolutionGradients(step, run, dy as tf.Tensor4D, inputName !== plan.input);
          gradients.set(step.kernel.name, tf.keep(by.kernel));
          if (by.input) pass(inputName, by.input);
          run.scaledKernel.dispose();
          break;
        }
        case 'add':
          for (const name of step.inputs) pass(name, dy.clone());
          break;
        case 'global-average-pool': {
          const [, height, width] = x.shape as [number, number, number, number];
          const spread = dy
            .div(height * width)
            .expandDims(1)
            .expandDims(1);
          pass(inputName, tf.zerosLike(x).add(spread));
          break;
        }
        case 'dropout':
          pass(inputName, dy.mul(masks.get(step) as tf.Tensor));
          break;
        case 'dense': {
          const kernel = step.kernel.value as tf.Tensor2D;
          gradients.set(
            step.kernel.name,
            tf.keep(tf.matMul(x as tf.Tensor2D, dy as tf.Tensor2D, true)),
          );
          gradients.set(step.bias.name, tf.keep(dy.sum(0)));
          if (inputName !== plan.input)
            pass(inputName, tf.matMul(dy as tf.Tensor2D, kernel, false, true));
          break;
        }
      }
      dy.dispose();
      values.get(step.output)?.dispose();
    }
    return loss;
  });
  return { loss, gradients };
}

/** `shape` of 0 and `1 / (1 − rate)`, so that the mean stays (Srivastava et al. 2014, §10). */
function dropoutMask(shape: number[], rate: number, random: Random): tf.Tensor {
  const kept = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
    random.float() < rate ? 0 : 1 / (1 - rate),
  );
  return tf.tensor(kept, shape);
}

function read(values: ReadonlyMap<string, tf.Tensor>, names: readonly string[]): tf.Tensor[] {
  return names.map((name) => value(values, name));
}

function value(values: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = values.get(name);
  if (!tensor) throw new Error(`The plan reads ${name} before it is written.`);
  return tensor;
}
