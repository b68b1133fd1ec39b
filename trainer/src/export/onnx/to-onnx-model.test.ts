import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import type { KernelFormat } from '../../config/quantizations.ts';
import { loadGraph } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { toArtifacts } from '../graph-builder.ts';
import { toGraphModel } from '../graph-model.ts';
import { toOnnxModel } from './to-onnx-model.ts';

beforeAll(() => startBackend('cpu', () => {}));

test.each<KernelFormat>(['float32', 'float16', 'uint16', 'uint8'])(
  'answers in onnxruntime as the Worker does, with kernels in %s',
  async (format) => {
    const plan = fusePlan(buildTinyNetwork());
    const artifacts = toArtifacts(await toGraphModel(plan, TINY_SIZE, format));
    const inputs = tf.randomNormal<tf.Rank.R4>([5, TINY_SIZE, TINY_SIZE, 3], 0, 2, 'float32', 7);
    const session = await ort.InferenceSession.create(toOnnxModel(artifacts), {
      graphOptimizationLevel: 'disabled',
    });
    const channelsFirst = (await inputs.transpose([0, 3, 1, 2]).data()) as Float32Array;
    const input = new ort.Tensor('float32', channelsFirst, [5, 3, TINY_SIZE, TINY_SIZE]);
    const { probabilities } = await session.run({ input });
    const network = await loadGraph(artifacts);
    const expected = network.run(inputs).dataSync();
    expect(probabilities?.dims).toEqual([5, 3]);
    expected.forEach((probability, i) => {
      expect(probabilities?.data[i]).toBeCloseTo(probability, 5);
    });
  },
);
