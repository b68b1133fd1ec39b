import * as tf from '@tensorflow/tfjs';
import type { FusedLayer, Parameter, StepBase } from '../operation.ts';
import { nameOf, namesOf } from './layer-flow.ts';

/** What the step of a layer that becomes one step has in any case. */
export function baseOf(layer: tf.layers.Layer): Omit<StepBase, 'kind'> {
  return { name: layer.name, inputs: namesOf(layer.input), output: nameOf(layer.output) };
}

export function oneStep(step: StepBase): FusedLayer {
  return { steps: [step], layers: [] };
}

/** A copy of a layer's weight. */
export function parameterOf(layer: tf.layers.Layer, index: number): Parameter {
  const weight = layer.weights[index];
  if (!weight) throw new Error(`${layer.name}: has no weight ${index}.`);
  const value = tf.tidy(() => tf.variable(weight.read(), layer.trainable));
  return { name: weight.originalName, value };
}

/** An option that no step stands for must not become another network in silence. */
export function expectConfig(
  layer: tf.layers.Layer,
  expected: Readonly<Record<string, unknown>>,
): void {
  const config = layer.getConfig();
  for (const [key, value] of Object.entries(expected)) {
    const [wanted, received] = [JSON.stringify(value), JSON.stringify(config[key])];
    if (wanted === received) continue;
    throw new Error(`${layer.name}: expected ${key} ${wanted}, but it is ${received}.`);
  }
}

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'sigmoid', 'swish', 'tanh', 'softmax'] as const;

export type LayerActivation = (typeof ACTIVATIONS)[number];

/** Of a layer that is an activation. */
export function activationOf(layer: tf.layers.Layer): LayerActivation {
  if (layer.getClassName() === 'Activation') return inlineActivation(layer);
  const maxValue = layer.getConfig()['maxValue'] ?? null;
  if (maxValue === 6) return 'relu6';
  if (maxValue === null) return 'relu';
  throw new Error(
    `${layer.name}: expected a ReLU up to 6 or without an end, but it ends at ${maxValue}.`,
  );
}

/** Of a layer that has one as an option. */
export function inlineActivation(layer: tf.layers.Layer): LayerActivation {
  const name = layer.getConfig()['activation'] ?? 'linear';
  const activation = ACTIVATIONS.find((known) => known === name);
  if (activation) return activation;
  throw new Error(
    `${layer.name}: expected one of the activations ${ACTIVATIONS.join(', ')}, but it is ${name}.`,
  );
}

/** A step whose layer has an activation of its own, as two steps. */
export function withActivation(step: StepBase, activation: LayerActivation): FusedLayer {
  if (activation === 'linear') return oneStep(step);
  const between = `${step.name}/linear`;
  const second = {
    ...activationStep(activation),
    name: `${step.name}_${activation}`,
    inputs: [between],
    output: step.output,
  };
  return { steps: [{ ...step, output: between }, second], layers: [] };
}

/** What distinguishes the step of an activation. */
export function activationStep(activation: Exclude<LayerActivation, 'linear'>) {
  if (activation === 'softmax') return { kind: 'softmax' } as const;
  return { kind: 'activation', activation } as const;
}
