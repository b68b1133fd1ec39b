import * as tf from '@tensorflow/tfjs';
import { type LayerFlow, layerFlow, nameOf, namesOf } from './layer-flow.ts';
import type {
  Activation,
  FrozenBatchNorm,
  FusedActivation,
  Parameter,
  Plan,
  Step,
} from './plan.ts';

/**
 * Turns a tf.layers model into fused steps. The plan owns copies of the weights: the model can
 * be disposed of.
 *
 * Layers in front that only scale the picture are left out, since the preprocess spec does the
 * same: the plan's input is what comes behind them.
 *
 * @param model a functional model of the layers that the backbones use, each called once
 * @throws Error naming a layer that no step stands for
 */
export function fusePlan(model: tf.LayersModel): Plan {
  const flow = layerFlow(model);
  let { input } = flow;
  const steps: Step[] = [];
  const fused = new Set<tf.layers.Layer>();
  for (const layer of model.layers) {
    if (fused.has(layer)) continue;
    if (SCALING.has(layer.getClassName()) && nameOf(layer.input) === input) {
      input = nameOf(layer.output);
      continue;
    }
    const { steps: layerSteps, layers } = fuseLayer(layer, flow);
    steps.push(...layerSteps);
    for (const taken of layers) fused.add(taken);
  }
  return { input, output: flow.output, steps };
}

const SCALING: ReadonlySet<string> = new Set(['Rescaling', 'Normalization']);

/** A layer as steps, with the layers behind it that these take in. */
interface FusedLayer {
  readonly steps: readonly Step[];
  readonly layers: readonly tf.layers.Layer[];
}

function fuseLayer(layer: tf.layers.Layer, flow: LayerFlow): FusedLayer {
  const config = layer.getConfig();
  const { name } = layer;
  const base = { name, inputs: namesOf(layer.input), output: nameOf(layer.output) };
  const one = (step: Step): FusedLayer => ({ steps: [step], layers: [] });
  switch (layer.getClassName()) {
    case 'InputLayer':
      return { steps: [], layers: [] };
    case 'Conv2D':
    case 'GroupedConv2D':
      return fuseConvolution(layer, flow, { kernel: 0, depthwise: false });
    case 'DepthwiseConv2D':
      return fuseConvolution(layer, flow, { kernel: 0, depthwise: true });
    case 'SeparableConv2D':
      return fuseSeparableConvolution(layer, flow);
    case 'BatchNormalization':
      return one({ ...base, kind: 'affine', batchNorm: freezeBatchNorm(layer, false) });
    case 'ReLU':
    case 'Activation': {
      const activation = activationOf(layer);
      if (activation === 'softmax') return one({ ...base, kind: 'softmax' });
      if (activation === 'linear') throw new Error(`${name}: expected an activation.`);
      return one({ ...base, kind: 'activation', activation });
    }
    case 'Add':
      return one({ ...base, kind: 'add' });
    case 'Multiply':
      return one({ ...base, kind: 'multiply' });
    case 'Concatenate':
      return one({ ...base, kind: 'concat' });
    case 'MaxPooling2D':
    case 'AveragePooling2D':
      return one({
        ...base,
        kind: layer.getClassName() === 'MaxPooling2D' ? 'max-pool' : 'average-pool',
        size: config['poolSize'] as [number, number],
        strides: config['strides'] as [number, number],
        padding: config['padding'] as 'same' | 'valid',
      });
    case 'ZeroPadding2D': {
      const [rows, columns] = config['padding'] as [[number, number], [number, number]];
      return one({ ...base, kind: 'pad', rows, columns });
    }
    case 'Cropping2D': {
      const [rows, columns] = config['cropping'] as [[number, number], [number, number]];
      return one({
        ...base,
        kind: 'pad',
        rows: [-rows[0], -rows[1]],
        columns: [-columns[0], -columns[1]],
      });
    }
    case 'LocalResponseNormalization':
      return one({
        ...base,
        kind: 'local-response-normalization',
        radius: config['radius'] as number,
        bias: config['bias'] as number,
        alpha: config['alpha'] as number,
        beta: config['beta'] as number,
      });
    case 'GlobalAveragePooling2D':
      return one({ ...base, kind: 'global-average-pool' });
    case 'GlobalMaxPooling2D':
      return one({ ...base, kind: 'global-max-pool' });
    case 'Flatten':
    case 'Reshape': {
      const [, ...shape] = layer.outputShape as number[];
      return one({ ...base, kind: 'reshape', shape });
    }
    case 'Dropout': {
      const wholeExamples = JSON.stringify(config['noiseShape'] ?? null);
      if (!['null', '[null,1,1,1]'].includes(wholeExamples)) {
        throw new Error(`${name}: expected dropout of units or of whole examples.`);
      }
      const rate = config['rate'] as number;
      return one({ ...base, kind: 'dropout', rate, wholeExamples: wholeExamples !== 'null' });
    }
    case 'Dense': {
      expectConfig(layer, { useBias: true });
      const [kernel, bias] = [parameter(layer, 0), parameter(layer, 1)];
      return withActivation({ ...base, kind: 'dense', kernel, bias }, inlineActivation(layer));
    }
    default:
      throw new Error(`${name}: no step stands for a ${layer.getClassName()} layer.`);
  }
}

/** A convolution takes in the BatchNorm and the ReLU behind it, where nothing else reads it. */
function fuseConvolution(
  layer: tf.layers.Layer,
  flow: LayerFlow,
  {
    depthwise,
    kernel,
    input,
  }: { readonly depthwise: boolean; readonly kernel: number; readonly input?: string },
): FusedLayer {
  const config = layer.getConfig();
  expectConfig(layer, { dilationRate: [1, 1] });
  const weight = parameter(layer, kernel);
  const own = inlineActivation(layer);
  const norm = own === 'linear' ? flow.nextOf(layer, 'BatchNormalization') : undefined;
  const relu = own === 'linear' ? flow.nextOf(norm ?? layer, 'ReLU', 'Activation') : undefined;
  const next = relu === undefined ? own : activationOf(relu);
  const fusedRelu = relu !== undefined && isFusable(next) ? relu : undefined;
  const layers = [norm, fusedRelu].filter((taken) => taken !== undefined);
  const step = {
    kind: 'convolution',
    name: layer.name,
    inputs: input === undefined ? namesOf(layer.input) : [input],
    output: nameOf((layers.at(-1) ?? layer).output),
    depthwise,
    kernel: depthwise ? singleFilters(layer, weight) : weight,
    groups: (config['groups'] ?? 1) as number,
    bias: config['useBias'] ? parameter(layer, kernel + 1) : undefined,
    strides: (input === undefined ? config['strides'] : [1, 1]) as [number, number],
    padding: config['padding'] as 'same' | 'valid',
    batchNorm: norm && freezeBatchNorm(norm, depthwise),
    activation: fusedRelu && isFusable(next) ? next : 'linear',
  } as const;
  if (fusedRelu || own === 'linear') return { steps: [step], layers };
  if (isFusable(own)) return { steps: [{ ...step, activation: own }], layers };
  return withActivation(step, own);
}

/** A filter for each channel, then one across them (Chollet 2017, §2). */
function fuseSeparableConvolution(layer: tf.layers.Layer, flow: LayerFlow): FusedLayer {
  const config = layer.getConfig();
  const between = `${layer.name}/depthwise`;
  const pointwise = fuseConvolution(layer, flow, { kernel: 1, depthwise: false, input: between });
  const depthwise: Step = {
    kind: 'convolution',
    name: between,
    inputs: namesOf(layer.input),
    output: between,
    depthwise: true,
    kernel: singleFilters(layer, parameter(layer, 0)),
    groups: 1,
    bias: undefined,
    strides: config['strides'] as [number, number],
    padding: config['padding'] as 'same' | 'valid',
    batchNorm: undefined,
    activation: 'linear',
  };
  return { steps: [depthwise, ...pointwise.steps], layers: pointwise.layers };
}

/** A step whose layer has an activation of its own, as two steps. */
function withActivation(step: Step, activation: Activation | 'linear' | 'softmax'): FusedLayer {
  if (activation === 'linear') return { steps: [step], layers: [] };
  const between = `${step.name}/linear`;
  const second = { name: `${step.name}_${activation}`, inputs: [between], output: step.output };
  return {
    steps: [
      { ...step, output: between },
      activation === 'softmax'
        ? { ...second, kind: 'softmax' }
        : { ...second, kind: 'activation', activation },
    ],
    layers: [],
  };
}

function parameter(layer: tf.layers.Layer, index: number): Parameter {
  const weight = layer.weights[index];
  if (!weight) throw new Error(`${layer.name}: has no weight ${index}.`);
  const value = tf.tidy(() => tf.variable(weight.read(), layer.trainable));
  return { name: weight.originalName, value };
}

/** A depthwise kernel must have one filter a channel. */
function singleFilters(layer: tf.layers.Layer, kernel: Parameter): Parameter {
  if (kernel.value.shape[3] === 1) return kernel;
  throw new Error(`${layer.name}: expected one filter a channel, not ${kernel.value.shape[3]}.`);
}

function freezeBatchNorm(layer: tf.layers.Layer, depthwise: boolean): FrozenBatchNorm {
  expectConfig(layer, { scale: true, center: true });
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

function isFusable(activation: string): activation is FusedActivation {
  return activation === 'linear' || activation === 'relu' || activation === 'relu6';
}

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'sigmoid', 'swish', 'tanh', 'softmax'] as const;

/** Of a layer that is an activation. */
function activationOf(layer: tf.layers.Layer): (typeof ACTIVATIONS)[number] {
  if (layer.getClassName() === 'Activation') return inlineActivation(layer);
  const maxValue = layer.getConfig()['maxValue'] ?? null;
  if (maxValue === 6) return 'relu6';
  if (maxValue === null) return 'relu';
  throw new Error(
    `${layer.name}: expected a ReLU up to 6 or without an end, but it ends at ${maxValue}.`,
  );
}

/** Of a layer that has one as an option. */
function inlineActivation(layer: tf.layers.Layer): (typeof ACTIVATIONS)[number] {
  const name = layer.getConfig()['activation'] ?? 'linear';
  const activation = ACTIVATIONS.find((known) => known === name);
  if (activation) return activation;
  throw new Error(
    `${layer.name}: expected one of the activations ${ACTIVATIONS.join(', ')}, but it is ${name}.`,
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
