import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { buildFittedNetwork, patternBatches } from '../../../fixtures/fitted/fitted-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { backboneNames } from '../../config/backbone-names.ts';
import { createRandom } from '../../config/random.ts';
import { batchIndices } from '../../data/batches.ts';
import { loadGraph } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { toArtifacts } from '../graph-builder.ts';
import { toGraphModel } from '../graph-model.ts';
import { activationRanges } from './activation-ranges.ts';
import { toOnnxModel } from './to-onnx-model.ts';

const CALIBRATED = 24;
const IMAGES = 100;

beforeAll(() => startBackend('wasm', () => {}));

test.each(backboneNames)(
  '%s says the same in 8 bits in onnxruntime',
  { timeout: 900_000 },
  async (name) => {
    const { network, size } = await buildFittedNetwork(name);
    const plan = fusePlan(network);
    network.dispose();
    const artifacts = toArtifacts(await toGraphModel(plan, size, 'uint8'));
    disposePlan(plan);
    const { signal } = new AbortController();
    const ranges = await activationRanges(artifacts, patternBatches(CALIBRATED, size, 2), signal);
    const file = toOnnxModel(artifacts, { kernels: 'int8', ranges });
    const session = await ort.InferenceSession.create(file);
    const graph = await loadGraph(artifacts, 'float32');
    const source = patternBatches(IMAGES, size, 3);
    let [same, right, furthest] = [0, 0, 0];
    for (const indices of batchIndices(source.length, 20)) {
      const inputs = await source.inputs(indices, createRandom(0));
      const data = (await inputs.transpose([0, 3, 1, 2]).data()) as Float32Array;
      const feeds = { input: new ort.Tensor('float32', data, [indices.length, 3, size, size]) };
      const { probabilities } = await session.run(feeds);
      const ours = graph.run(inputs);
      const rows = (await ours.array()) as number[][];
      const classes = rows[0]?.length ?? 0;
      for (const [at, row] of rows.entries()) {
        const values = probabilities?.data.slice(at * classes, (at + 1) * classes) as Float32Array;
        const label = row.indexOf(Math.max(...row));
        same += Number(values.indexOf(Math.max(...values)) === label);
        right += Number(source.label(indices[at] as number) === label);
        furthest = Math.max(furthest, ...row.map((p, c) => Math.abs(p - (values[c] ?? 2))));
      }
      tf.dispose([inputs, ours]);
    }
    await session.release();
    graph.dispose();
    console.log(`${name}: ${same} of ${IMAGES}, probabilities ${furthest.toFixed(4)} off at most`);
    expect(same / IMAGES).toBeGreaterThanOrEqual(0.99);
    // Or any two networks would say the same, and activations would not be in 8 bits.
    expect(right / IMAGES).toBeGreaterThan(0.9);
    expect(furthest).toBeGreaterThan(1e-6);
  },
);
