import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { signedValues } from '../../../parity/formula.ts';
import { setFormulaWeights } from '../../../parity/formula-network.ts';
import { buildBackbone } from '../../backbones/registry.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { backboneNames } from '../../config/backbone-names.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { runPlan } from '../../plan/run.ts';
import { toArtifacts } from '../graph-builder.ts';
import { toGraphModel } from '../graph-model.ts';
import { toOnnxModel } from './to-onnx-model.ts';

beforeAll(() => startBackend('wasm', () => {}));

test.each(backboneNames)(
  '%s computes the same in onnxruntime',
  { timeout: 300_000 },
  async (name) => {
    const golden = new URL(`../../../parity/golden/${name}.json`, import.meta.url);
    const { size, gain, input, logits } = JSON.parse(readFileSync(golden, 'utf8'));
    const network = buildBackbone(name, { size, classes: logits.shape.at(-1), initialize: false });
    setFormulaWeights(network, gain);
    const plan = fusePlan(network);
    network.dispose();
    const x = tf.tensor4d(signedValues(input, size * size * 3), [1, size, size, 3]);
    const expected = runPlan(plan, x).dataSync();
    const model = toOnnxModel(toArtifacts(await toGraphModel(plan, size, 'float32')));
    disposePlan(plan);
    const session = await ort.InferenceSession.create(model);
    const data = x.transpose([0, 3, 1, 2]).dataSync() as Float32Array;
    const feeds = { input: new ort.Tensor('float32', data, [1, 3, size, size]) };
    const { probabilities } = await session.run(feeds);
    await session.release();
    tf.dispose(x);
    const difference = expected.map((value, i) => Math.abs(value - Number(probabilities?.data[i])));
    expect(probabilities?.dims).toEqual([1, expected.length]);
    expect(Math.max(...difference)).toBeLessThan(1e-4);
    // Or any two networks would agree.
    expect(Math.max(...expected) / Math.min(...expected)).toBeGreaterThan(1.2);
  },
);
