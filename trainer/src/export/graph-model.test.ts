import * as tf from '@tensorflow/tfjs';
import { foldGraph } from 'shared/inference/fold-constants';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { type KernelFormat, kernelFormats } from '../config/quantizations.ts';
import { loadGraph } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, type Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

/** Runs the model in plain tfjs. */
async function predictionsOf(
  artifacts: tf.io.ModelArtifacts,
  photos: tf.Tensor,
): Promise<tf.Tensor> {
  const graph = await tf.loadGraphModel({ load: async () => artifacts });
  return graph.predict(photos) as tf.Tensor;
}

/** Runs the model as in evaluation and in the Worker. */
async function servedPredictions(
  artifacts: tf.io.ModelArtifacts,
  photos: tf.Tensor,
): Promise<tf.Tensor> {
  const graph = await loadGraph(artifacts);
  const predictions = graph.run(photos);
  graph.dispose();
  return predictions;
}

describe('a tiny network of every kind of step', () => {
  let plan: Plan;
  let photos: tf.Tensor;
  let expected: tf.Tensor;

  beforeAll(() => {
    plan = fusePlan(buildTinyNetwork({ dropout: 0.5 }));
    photos = tf.randomNormal([4, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
    expected = runPlan(plan, photos);
  });

  test('predicts in float32 as the plan does', async () => {
    const model = await toGraphModel(plan, TINY_SIZE, 'float32');
    expect(
      largestDifference(await predictionsOf(toArtifacts(model), photos), expected),
    ).toBeLessThan(1e-5);
  });

  test.each([
    ['uint8', 0.02],
    ['float16', 2e-3],
    ['uint16', 1e-4],
  ] as const)('predicts nearly the same in %s, and is smaller', async (format, tolerance) => {
    const float = await toGraphModel(plan, TINY_SIZE, 'float32');
    const model = await toGraphModel(plan, TINY_SIZE, format);
    const error = largestDifference(await predictionsOf(toArtifacts(model), photos), expected);
    expect(error).toBeLessThan(tolerance);
    expect(error).toBeGreaterThan(0);
    expect(model.weightData.length).toBeLessThan(float.weightData.length);
  });

  test('stores each kernel in its format', async () => {
    const { kernels } = await toGraphModel(plan, TINY_SIZE, 'float32');
    const formats = new Map(
      [...kernels.keys()].map((name, at) => [name, kernelFormats[at % 4] as KernelFormat]),
    );
    const model = await toGraphModel(plan, TINY_SIZE, formats);
    for (const [name, format] of formats) {
      const spec = model.weightSpecs.find((spec) => [name, `${name}/steps`].includes(spec.name));
      expect(spec?.quantization?.dtype ?? 'float32', name).toBe(format);
    }
    const artifacts = toArtifacts(model);
    const predictions = await predictionsOf(artifacts, photos);
    expect(largestDifference(predictions, expected)).toBeLessThan(0.02);
    expect(largestDifference(await servedPredictions(artifacts, photos), predictions)).toBeLessThan(
      1e-5,
    );
  });

  test.each(['float32', 'uint8', 'uint16'] as const)(
    'predicts the same in %s in stock tfjs and in the serving executor, which folds constants',
    async (format) => {
      const artifacts = toArtifacts(await toGraphModel(plan, TINY_SIZE, format));
      expect(foldGraph(artifacts).topology.node.map(({ op }) => op)).not.toContain('Mul');
      const difference = largestDifference(
        await servedPredictions(artifacts, photos),
        await predictionsOf(artifacts, photos),
      );
      expect(difference).toBeLessThan(1e-5);
    },
  );

  test('has one fused operation per step, and no BatchNorm', async () => {
    const { topology } = await toGraphModel(plan, TINY_SIZE, 'float32');
    const operations = topology.node.map(({ op }) => op).filter((op) => op !== 'Const');
    expect(operations).toEqual([
      'Placeholder',
      '_FusedConv2D',
      '_FusedConv2D',
      'FusedDepthwiseConv2dNative',
      '_FusedConv2D',
      'AddV2',
      'FusedDepthwiseConv2dNative',
      'Mean',
      'Identity',
      '_FusedMatMul',
      'Softmax',
    ]);
  });

  test('declares its input and output', async () => {
    const model = await toGraphModel(plan, TINY_SIZE, 'uint8');
    const artifacts = toArtifacts(model);
    const graph = await tf.loadGraphModel({ load: async () => artifacts });
    expect(graph.inputs.map(({ name, shape, dtype }) => [name, shape, dtype])).toEqual([
      [plan.input, [-1, TINY_SIZE, TINY_SIZE, 3], 'float32'],
    ]);
    expect(graph.outputs.map(({ name }) => name)).toEqual([plan.output]);
    expect(graph.modelSignature).toMatchObject({
      outputs: { [plan.output]: { tensorShape: { dim: [{ size: '-1' }, { size: '3' }] } } },
    });
    graph.dispose();
  });

  test('names every node uniquely, and its weights fill the data exactly', async () => {
    const { topology, weightSpecs, weightData } = await toGraphModel(plan, TINY_SIZE, 'uint8');
    const names = topology.node.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { input } of topology.node)
      expect(names).toEqual(expect.arrayContaining([...input]));
    const bytes = weightSpecs.map(
      ({ shape, quantization }) => tf.util.sizeFromShape(shape) * (quantization ? 1 : 4),
    );
    expect(weightData.length).toBe(bytes.reduce((sum, length) => sum + length, 0));
  });

  test('has the attributes that TensorFlow requires', async () => {
    const { topology } = await toGraphModel(plan, TINY_SIZE, 'uint8');
    // The attributes without a default in TensorFlow 2.19's op_def_registry, which are therefore required.
    const required: Readonly<Record<string, readonly string[]>> = {
      _FusedConv2D: ['T', 'TArgs', 'num_args', 'strides', 'padding'],
      _FusedMatMul: ['T', 'num_args'],
      FusedDepthwiseConv2dNative: ['T', 'num_args', 'strides', 'padding'],
      Pad: ['T', 'Tpaddings'],
      StridedSlice: ['T', 'Index'],
      MaxPool: ['T', 'ksize', 'strides', 'padding'],
      Mean: ['T', 'Tidx'],
    };
    const seen = new Set(topology.node.map(({ op }) => op));
    for (const { name, op, attr } of topology.node) {
      expect(Object.keys(attr), name).toEqual(expect.arrayContaining([...(required[op] ?? [])]));
      if (op !== '_FusedConv2D') continue;
      expect(attr).toMatchObject({
        TArgs: { list: { type: ['DT_FLOAT'] } },
        num_args: { i: '1' },
        num_host_args: { i: '0' },
      });
    }
    for (const op of ['_FusedConv2D', '_FusedMatMul', 'FusedDepthwiseConv2dNative']) {
      expect(seen).toContain(op);
    }
  });

  test('scales each kernel by its output channels', async () => {
    const { weightSpecs } = await toGraphModel(plan, TINY_SIZE, 'uint8');
    const scales = weightSpecs.filter(({ name }) => name.endsWith('/scales'));
    expect(scales.map(({ name, shape }) => [name, shape])).toEqual([
      ['stem/kernel/scales', [4]],
      ['expand/kernel/scales', [6]],
      ['filter/kernel/scales', [6, 1]],
      ['project/kernel/scales', [4]],
      ['shrink/kernel/scales', [4, 1]],
      ['predictions/kernel/scales', [3]],
    ]);
  });

  test('leaks no tensor', async () => {
    const before = tf.memory().numTensors;
    await toGraphModel(plan, TINY_SIZE, 'uint8');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('EfficientNet-Lite0 at 64 px', () => {
  let model: tf.LayersModel;
  let plan: Plan;
  let photos: tf.Tensor;

  beforeAll(async () => {
    model = buildBackbone('efficientnet-lite0', { size: 64 });
    await loadBackboneWeights(model, 'efficientnet-lite0', 'imagenet', true);
    plan = fusePlan(model);
    photos = tf.randomUniform([2, 64, 64, 3], -1, 1, 'float32', 5);
  });
  afterAll(() => disposePlan(plan));

  /** The tolerance is the project's 1e-4; both differ by 3.2e-6, where the largest probability is 0.85. */
  test('is one network as layers, as a plan and as a float32 graph', async () => {
    const layers = model.predict(photos) as tf.Tensor;
    const byPlan = runPlan(plan, photos);
    const byGraph = await predictionsOf(
      toArtifacts(await toGraphModel(plan, 64, 'float32')),
      photos,
    );
    expect(largestDifference(byPlan, layers)).toBeLessThan(1e-4);
    expect(largestDifference(byGraph, layers)).toBeLessThan(1e-4);
    expect(largestDifference(byGraph, byPlan)).toBeLessThan(1e-4);
  });
});
