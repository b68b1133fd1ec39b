import * as tf from '@tensorflow/tfjs';
import { startBackend } from '../../backends/start-backend.ts';
import type { TrainConfig } from '../../config/train-config.ts';
import { drawInputs } from '../../data/batches.ts';
import { prepareImages } from '../../data/prepare-images.ts';
import { hasSeveralLabels } from '../../datasets/dataset.ts';
import { INFERENCE_BATCH } from '../../evaluation/evaluate.ts';
import { startProgress } from '../../files/progress.ts';
import { buildNetwork } from '../../models/build-network.ts';
import { cutHead } from '../../models/head.ts';
import { FeatureCache } from '../../training/feature-cache.ts';
import { countShards, storeFeatures } from '../../training/features.ts';
import type { Run } from './train-in-stages.ts';

/**
 * Computes a share of the features that stage 1 of a recipe begins with, and keeps them where its training looks
 * for them.
 *
 * @param share with `of`: every shard whose number leaves this rest
 * @returns how many shards it computed
 * @throws TrainerError as a training does; the signal's reason
 */
export async function computeShare(
  config: TrainConfig,
  run: Pick<Run, 'data' | 'labels' | 'folders' | 'strict' | 'features' | 'signal' | 'say'> &
    Pick<Run, 'backend' | 'threads'>,
  { share, of }: { readonly share: number; readonly of: number },
): Promise<number> {
  const { say, signal } = run;
  const { dataset, preprocess, splits, images, validates } = await prepareImages(config, run);
  const backend = await startBackend(run.backend, say, { signal, threads: run.threads });
  const sample = () => drawInputs(images.plain, INFERENCE_BATCH, config.seed);
  const several = hasSeveralLabels(dataset);
  const { plan } = await buildNetwork(config, dataset.labels.length, sample, several);
  const { trunk } = cutHead(plan);
  const origin = { trunk, preprocess, datasetHash: dataset.hash, backend: backend.name };
  const cache = await FeatureCache.open(origin, say, { shared: run.features });
  const parts = [
    ...(config.stage1.augment ? [] : (['train'] as const)),
    ...(validates ? (['validation'] as const) : []),
    'test' as const,
  ];
  let computed = 0;
  let before = 0;
  for (const name of parts) {
    const source = name === 'train' ? images.plain : images[name];
    const first = before;
    computed += await storeFeatures(trunk, source, (shard) => (first + shard) % of === share, {
      batchSize: INFERENCE_BATCH,
      progress: startProgress(`Features of ${name}`, source.length),
      signal,
      store: cache.storeOf(name, splits[name]),
    });
    before += countShards(source);
  }
  await cache.close();
  tf.disposeVariables();
  return computed;
}
