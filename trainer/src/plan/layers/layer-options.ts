import * as tf from '@tensorflow/tfjs';
import type { FusedLayer, Parameter, StepBase } from '../operation.ts';
import { nameOf, namesOf } from './layer-flow.ts';

/** The fields that every step has, for a layer that becomes one step. */
export function baseOf(layer: tf.layers.Layer): Omit<StepBase, 'kind'> {
  return { name: layer.name, inputs: namesOf(layer.input), output: nameOf(layer.output) };
}

export function oneStep(step: StepBase): FusedLayer {
  return { steps: [step], layers: [] };
}

/** A copy of a layer's weight. */
export function parameterOf(layer: tf.layers.Layer, index: number): Parameter {
  const weight = layer.weights[index];
  if (!weight) throw new Error(`${layer.name}: expected a weight ${index}, but it has none.`);
  const value = tf.tidy(() => tf.variable(weight.read(), layer.trainable));
  return { name: weight.originalName, value };
}

/** Refuses an option that no step supports, rather than silently building another network. */
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

/** The activation of a layer that is one. */
export function activationOf(layer: tf.layers.Layer): LayerActivation {
  if (layer.getClassName() === 'Activation') return inlineActivation(layer);
  const maxValue = layer.getConfig()['maxValue'] ?? null;
  if (maxValue === 6) return 'relu6';
  if (maxValue === null) return 'relu';
  throw new Error(
    `${layer.name}: expected a ReLU with the maximum 6 or none, but its maximum is ${maxValue}.`,
  );
}

/** The activation that a layer applies as an option. */
export function inlineActivation(layer: tf.layers.Layer): LayerActivation {
  const name = layer.getConfig()['activation'] ?? 'linear';
  const activation = ACTIVATIONS.find((known) => known === name);
  if (activation) return activation;
  throw new Error(
    `${layer.name}: expected one of the activations ${ACTIVATIONS.join(', ')}, but it is ${name}.`,
  );
}

/** Two steps for a layer with an activation of its own. */
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

/** The fields that distinguish an activation's step. */
export function activationStep(activation: Exclude<LayerActivation, 'linear'>) {
  if (activation === 'softmax') return { kind: 'softmax' } as const;
  return { kind: 'activation', activation } as const;
}
