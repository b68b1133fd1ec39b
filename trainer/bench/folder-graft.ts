/** Reads a folder of photos as a training does, in a process of its own. Prints one line of JSON. */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { backbones } from '../src/backbones/registry.ts';
import { startBackend } from '../src/backends/start-backend.ts';
import { fast } from '../src/config/fast.ts';
import { createRandom, shuffle } from '../src/config/random.ts';
import { augment } from '../src/data/augment.ts';
import { batchIndices, imageBatches, withPrefetch } from '../src/data/batches.ts';
import { openImageFolder } from '../src/datasets/folders/image-folder.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { parametersOf } from '../src/plan/plan.ts';
import { fit } from '../src/training/fit.ts';
import { Optimizer } from '../src/training/optimizer.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '.' },
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '32' },
    epochs: { type: 'string', default: '2' },
    /** Only reads, or trains stage 2 too. */
    train: { type: 'boolean', default: false },
    /** One image after the other, when it is its turn. */
    serial: { type: 'boolean', default: false },
  },
});
const [size, batchSize, epochs] = [values.size, values.batch, values.epochs].map(Number) as [
  number,
  number,
  number,
];
const progress = { advance: () => {}, stop: () => {} };
const say = console.error;
await startBackend(values.train ? 'native' : 'cpu', say);
const begin = performance.now();
const { train, labels } = await openImageFolder(values.folder, {
  size,
  purpose: 'training',
  strict: true,
  signal: new AbortController().signal,
  say,
  startProgress: () => progress,
});
const openSeconds = (performance.now() - begin) / 1000;
const indices = Array.from({ length: train.length }, (_, index) => index);
const spec = { ...backbones['efficientnet-lite0'].preprocess, size };
const { prefetch: _, ...serial } = train;
const source = imageBatches({ set: values.serial ? serial : train, indices }, spec, {
  augment: (image, random) => augment(image, random, fast.augment),
});

const rates: number[] = [];
const rss: number[] = [];
let lastEpoch = performance.now();
function endEpoch(): void {
  const now = performance.now();
  rates.push(source.length / ((now - lastEpoch) / 1000));
  rss.push(process.memoryUsage.rss() / 1e6);
  lastEpoch = now;
}

if (values.train) {
  const { plan } = await buildNetwork({ ...fast, freeze: 0, size }, labels.length);
  const config = { ...fast.stage2, epochs, batchSize, ema: 0 };
  lastEpoch = performance.now();
  await fit({
    plan,
    source,
    classes: labels.length,
    config,
    optimizer: new Optimizer(parametersOf(plan), config),
    seed: 'bench',
    startProgress: () => progress,
    onEpoch: async () => {
      endEpoch();
      return true;
    },
  });
} else {
  lastEpoch = performance.now();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const random = createRandom(epoch);
    const order = shuffle(indices, random);
    const chosen = [...batchIndices(order.length, batchSize)].map((at) =>
      at.map((i) => order[i] as number),
    );
    for (const batch of withPrefetch(source, chosen))
      tf.dispose(await source.inputs(batch, random));
    endEpoch();
  }
}
console.log(
  JSON.stringify({
    // The first epoch warms up.
    images_per_second: rates.at(-1),
    open_seconds: openSeconds,
    rss_mb_by_epoch: rss,
    peak_rss_mb: (process.resourceUsage().maxRSS * 1024) / 1e6,
  }),
);
