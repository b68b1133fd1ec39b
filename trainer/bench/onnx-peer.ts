/** EfficientNet-Lite0 in onnxruntime, forward only. Prints one line of JSON. */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { startBackend } from '../src/backends/start-backend.ts';
import { fast } from '../src/config/fast.ts';
import { toArtifacts } from '../src/export/graph-builder.ts';
import { toGraphModel } from '../src/export/graph-model.ts';
import { toOnnxModel } from '../src/export/onnx/to-onnx-model.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { runPlan } from '../src/plan/run.ts';
import { batch, imagesPerSecond, size } from './time-steps.ts';

await startBackend('wasm', console.error);
const { plan } = await buildNetwork({ ...fast, size }, 10);
const shape = [batch, 3, size, size];
const artifacts = toArtifacts(await toGraphModel(plan, size, 'float32'));
const session = await ort.InferenceSession.create(toOnnxModel(artifacts));
const photos = tf.randomUniform<tf.Rank.R4>([batch, size, size, 3], -1, 1, 'float32', 1);
const input = new ort.Tensor(
  'float32',
  (await photos.transpose([0, 3, 1, 2]).data()) as Float32Array,
  shape,
);

const expected = await runPlan(plan, photos).data();
const { probabilities } = await session.run({ input });
if (!expected.every((value, i) => Math.abs(value - Number(probabilities?.data[i])) < 1e-3)) {
  throw new Error('onnxruntime and the plan give different results, so the networks differ.');
}

const forward = await imagesPerSecond(() => session.run({ input }));
console.log(JSON.stringify({ forward_images_per_second: forward }));
