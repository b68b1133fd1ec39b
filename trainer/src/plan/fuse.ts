import * as tf from '@tensorflow/tfjs';
import type { Activation, FrozenBatchNorm, Parameter, Plan, Step } from './plan.ts';

/**
 * Turns a tf.layers model into fused steps. The plan owns copies of the weights: the model can
 * be disposed of.
 *
 * @param model a functional model of the layers that the backbones use, each called once
 * @throws Error naming a layer that no step stands for
 */
export function fusePlan(model: tf.LayersModel): Plan {
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (!input || !output || moreInputs.length + moreOutputs.length > 0) {
    throw new Error('Expected a model with one input and one output.');
  }
  const consumers = countConsumers(model);
  const steps: Step[] = [];
  const fused = new Set<tf.layers.Layer>();

  /** The one layer that reads a value, if no other does: the two can be fused. */
  const nextOf = (value: string): tf.layers.Layer | undefined => {
    const [layer, ...others] = consumers.get(value) ?? [];
    return others.length === 0 ? layer : undefined;
  };

  for (const layer of model.layers) {
    if (fused.has(layer)) continue;
    const inputs = namesOf(layer.input);
    switch (layer.getClassName()) {
      case 'InputLayer':
        break;
      case 'Conv2D':
      case 'DepthwiseConv2D': {
        const depthwise = layer.getClassName() === 'DepthwiseConv2D';
        expectConfig(layer, { activation: 'linear', useBias: false, dilationRate: [1, 1] });
        if (depthwise) expectConfig(layer, { depthMultiplier: 1 });
        const norm = nextOf(nameOf(layer.output));
        if (norm?.getClassName() !== 'BatchNormalization') {
          throw new Error(`${layer.name}: expected a BatchNorm behind the convolution.`);
        }
        expectConfig(norm, { scale: true, center: true });
        fused.add(norm);
        let last = norm;
        let activation: Activation = 'linear';
        const next = nextOf(nameOf(norm.output));
        if (next?.getClassName() === 'ReLU') {
          activation = activationOf(next);
          fused.add(next);
          last = next;
        }
        steps.push({
          kind: 'convolution',
          name: layer.name,
          inputs,
          output: nameOf(last.output),
          depthwise,
          kernel: parameter(layer, 0),
          strides: layer.getConfig()['strides'] as [number, number],
          padding: layer.getConfig()['padding'] as 'same' | 'valid',
          batchNorm: freezeBatchNorm(norm, depthwise),
          activation,
        });
        break;
      }
      case 'Add':
        steps.push({ kind: 'add', name: layer.name, inputs, output: nameOf(layer.output) });
        break;
      case 'GlobalAveragePooling2D':
        steps.push({
          kind: 'global-average-pool',
          name: layer.name,
          inputs,
          output: nameOf(layer.output),
        });
        break;
      case 'Dropout': {
        const rate = layer.getConfig()['rate'] as number;
        steps.push({
          kind: 'dropout',
          name: layer.name,
          inputs,
          output: nameOf(layer.output),
          rate,
        });
        break;
      }
      case 'Dense': {
        expectConfig(layer, { activation: 'softmax', useBias: true });
        const logits = `${layer.name}/logits`;
        steps.push(
          {
            kind: 'dense',
            name: layer.name,
            inputs,
            output: logits,
            kernel: parameter(layer, 0),
            bias: parameter(layer, 1),
          },
          {
            kind: 'softmax',
            name: `${layer.name}_softmax`,
            inputs: [logits],
            output: nameOf(layer.output),
          },
        );
        break;
      }
      default:
        throw new Error(`${layer.name}: no step stands for a ${layer.getClassName()} layer.`);
    }
  }
  return { input: input.name, output: output.name, steps };
}

function countConsumers(model: tf.LayersModel): Map<string, tf.layers.Layer[]> {
  const consumers = new Map<string, tf.layers.Layer[]>();
  for (const layer of model.layers) {
    if (layer.getClassName() === 'InputLayer') continue;
    for (const name of namesOf(layer.input)) {
      consumers.set(name, [...(consumers.get(name) ?? []), layer]);
    }
  }
  return consumers;
}

function parameter(layer: tf.layers.Layer, index: number): Parameter {
  const weight = layer.weights[index];
  if (!weight) throw new Error(`${layer.name}: has no weight ${index}.`);
  const value = tf.tidy(() => tf.variable(weight.read(), true));
  return { name: weight.originalName, value };
}

function freezeBatchNorm(layer: tf.layers.Layer, depthwise: boolean): FrozenBatchNorm {
  return tf.tidy(() => {
    const [gamma, beta, mean, variance] = layer.getWeights() as [
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
    ];
    const scale = gamma.div<tf.Tensor1D>(
      variance.add(layer.getConfig()['epsilon'] as number).sqrt(),
    );
    const shift = beta.sub<tf.Tensor1D>(mean.mul(scale));
    return { scale: depthwise ? scale.reshape([-1, 1]) : scale, shift };
  });
}

function namesOf(tensors: tf.SymbolicTensor | tf.SymbolicTensor[]): string[] {
  return [tensors].flat().map(({ name }) => name);
}

function nameOf(tensors: tf.SymbolicTensor | tf.SymbolicTensor[]): string {
  return namesOf(tensors)[0] as string;
}

function activationOf(layer: tf.layers.Layer): Activation {
  const maxValue = layer.getConfig()['maxValue'] ?? null;
  if (maxValue === 6) return 'relu6';
  if (maxValue === null) return 'relu';
  throw new Error(
    `${layer.name}: expected a ReLU up to 6 or without an end, but it ends at ${maxValue}.`,
  );
}

/** An option that no step stands for must not become another network in silence. */
function expectConfig(layer: tf.layers.Layer, expected: Readonly<Record<string, unknown>>): void {
  const config = layer.getConfig();
  for (const [key, value] of Object.entries(expected)) {
    const [wanted, received] = [JSON.stringify(value), JSON.stringify(config[key])];
    if (wanted === received) continue;
    throw new Error(`${layer.name}: expected ${key} ${wanted}, but it is ${received}.`);
  }
}
