import { backbones } from '../src/backbones/registry.ts';
import type { TrainConfig } from '../src/config/train-config.ts';
import { prepareImages } from '../src/data/prepare-images.ts';
import { evaluate, INFERENCE_BATCH } from '../src/evaluation/evaluate.ts';
import { measure } from '../src/evaluation/metrics.ts';
import { startProgress } from '../src/files/progress.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { cutHead } from '../src/models/head.ts';
import type { Classifier } from '../src/models/load-model.ts';
import { disposePlan, trainableParametersOf } from '../src/plan/plan.ts';
import { runPlan } from '../src/plan/run.ts';
import { FeatureCache } from '../src/training/feature-cache.ts';
import { computeFeatures } from '../src/training/features.ts';
import { fit } from '../src/training/fit.ts';
import { Optimizer } from '../src/training/optimizer.ts';

const IMAGES = 6000;
const signal = new AbortController().signal;
const quiet = { advance: () => {}, stop: () => {} };

/**
 * Fits a linear head to CIFAR-10 features of the pretrained trunk, which stays as it is: stage 1 alone.
 *
 * @param backend that features are computed on, which are kept from one run to the next
 */
export async function fitLinearPeer(
  config: TrainConfig,
  backend: string,
): Promise<Classifier & { readonly accuracy: number; readonly images: number }> {
  const few = { ...config, limit: IMAGES };
  const source = { data: null, strict: true, signal, say: console.log };
  const { dataset, preprocess, splits, images } = await prepareImages(few, source);
  const { plan } = await buildNetwork(few, dataset.labels.length);
  const { trunk, head } = cutHead(plan);
  const cache = await FeatureCache.open(
    { trunk, preprocess, datasetHash: dataset.hash, backend },
    console.log,
  );
  const featuresOf = (name: 'train' | 'test', source: typeof images.plain) =>
    computeFeatures(trunk, source, {
      batchSize: INFERENCE_BATCH,
      progress: startProgress(`Peer, ${name} features`, source.length),
      signal,
      store: cache.storeOf(name, splits[name]),
    });
  const train = await featuresOf('train', images.plain);
  const test = await featuresOf('test', images.test);
  await cache.close();
  const { stage1 } = few;
  const optimizer = new Optimizer(trainableParametersOf(head), stage1);
  await fit({
    plan: head,
    source: train,
    classes: dataset.labels.length,
    config: { ...stage1, epochs: Math.ceil(stage1.minSteps / (IMAGES / stage1.batchSize)) },
    optimizer,
    seed: `${config.seed}/stage 1`,
    startProgress: () => quiet,
  });
  optimizer.dispose();
  const answers = await evaluate((x) => runPlan(head, x), test, { progress: quiet, signal });
  return {
    preprocess: { ...backbones[config.backbone].preprocess, size: config.size },
    labels: dataset.labels.map((name) => ({ name })),
    run: (inputs) => runPlan(plan, inputs),
    dispose: () => disposePlan(plan),
    accuracy: measure(answers).top1,
    images: test.length,
  };
}
