/** Our side of `throughput.ts`, in a process of its own for the sake of its memory. */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { buildNetwork } from '../src/build-network.ts';
import { fast } from '../src/config/fast.ts';
import { createRandom } from '../src/datasets/random.ts';
import { softmaxCrossEntropy } from '../src/plan/loss.ts';
import { parametersOf } from '../src/plan/plan.ts';
import { planGradients, runPlan } from '../src/plan/run.ts';
import { startBackend } from '../src/runtime/start-backend.ts';
import { Adam } from '../src/stages/adam.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '15' },
    warmup: { type: 'string', default: '4' },
  },
});
const [size, batch, steps, warmup] = [values.size, values.batch, values.steps, values.warmup].map(
  Number,
) as [number, number, number, number];

await startBackend('native', console.error);
const classes = 10;
const { plan } = await buildNetwork({ ...fast, size }, classes);
const parameters = parametersOf(plan);
const optimizer = new Adam(parameters);
const random = createRandom(1);
const photoBatch = tf.randomUniform([batch, size, size, 3], -1, 1, 'float32', 1);
const truth = tf.tidy(() => {
  const labels = Array.from({ length: batch }, (_, index) => index % classes);
  return tf.oneHot(labels, classes).cast<tf.Tensor2D>('float32');
});

const train = picturesPerSecond(() => {
  const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, truth);
  const { loss, gradients } = planGradients(plan, photoBatch, lossOf, random);
  loss.dataSync();
  optimizer.apply(parameters, gradients, 2e-4);
  tf.dispose([loss, ...gradients.values()]);
});
const forward = picturesPerSecond(() => {
  tf.tidy(() => runPlan(plan, photoBatch).dataSync());
});
console.log(
  JSON.stringify({
    train_pictures_per_second: train,
    forward_pictures_per_second: forward,
    // Node gives it in KiB on every system.
    peak_rss_mb: (process.resourceUsage().maxRSS * 1024) / 1e6,
  }),
);

/** The median over the steps behind the warm-up. */
function picturesPerSecond(step: () => void): number {
  const rates = Array.from({ length: warmup + steps }, () => {
    const begin = performance.now();
    step();
    return batch / ((performance.now() - begin) / 1000);
  });
  return rates.slice(warmup).sort((a, b) => a - b)[Math.floor(steps / 2)] as number;
}
