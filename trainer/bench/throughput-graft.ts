/** Our side of the benches, one backend in a process of its own. Prints one line of JSON. */
import * as tf from '@tensorflow/tfjs';
import { type BackendName, startBackend } from '../src/backends/start-backend.ts';
import { fast } from '../src/config/fast.ts';
import { createRandom } from '../src/config/random.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { softmaxCrossEntropy } from '../src/plan/loss.ts';
import { parametersOf } from '../src/plan/plan.ts';
import { planGradients, runPlan } from '../src/plan/run.ts';
import { Optimizer } from '../src/training/optimizer.ts';
import { backend, batch, imagesPerSecond, size } from './time-steps.ts';

const { description } = await startBackend(backend as BackendName, console.error);
const classes = 10;
const { plan } = await buildNetwork({ ...fast, freeze: 0, size }, classes);
const parameters = parametersOf(plan);
const optimizer = new Optimizer(parameters, { ...fast.stage2, ema: 0 });
const random = createRandom(1);
const photoBatch = tf.randomUniform([batch, size, size, 3], -1, 1, 'float32', 1);
const targets = tf.tidy(() => {
  const labels = Array.from({ length: batch }, (_, index) => index % classes);
  return tf.oneHot(labels, classes).cast<tf.Tensor2D>('float32');
});

const train = await imagesPerSecond(async () => {
  const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets);
  const { loss, gradients } = planGradients(plan, photoBatch, lossOf, random);
  optimizer.apply(gradients, 2e-4);
  // A GPU computes asynchronously, so the values must be read to know that it has finished.
  await Promise.all([loss.data(), parameters[0]?.value.data()]);
  tf.dispose([loss, ...gradients.values()]);
});
const forward = await imagesPerSecond(async () => {
  const logits = runPlan(plan, photoBatch);
  await logits.data();
  logits.dispose();
});
console.log(
  JSON.stringify({
    train_images_per_second: train,
    forward_images_per_second: forward,
    // Node gives it in KiB on every system.
    peak_rss_mb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    description,
  }),
);
