import type { ModelCard } from 'shared/contract/model-card';
import { buildBackbone } from '../../backbones/registry.ts';
import { cardConfig } from '../../config/train-config.ts';
import { TrainerError } from '../../errors.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { loadBackboneWeights } from '../../weights/load-backbone-weights.ts';
import { toGraphModel } from '../graph-model.ts';
import { type Head, readHead } from '../head/head.ts';

/**
 * The classifier of ImageNet's 1,000 classes that a model's network had before it was fine-tuned.
 *
 * @param channels of the model's features
 * @throws TrainerError `model_invalid` for a model that has not been fine-tuned from ImageNet, `weights_invalid`
 */
export async function readPretrainedHead(
  { id, training, preprocess }: ModelCard,
  channels: number,
): Promise<Head> {
  const config = cardConfig.safeParse(training?.config);
  if (!config.success || config.data.weights === 'none') {
    throw new TrainerError(
      'model_invalid',
      `Expected a model that was fine-tuned from ImageNet, but the card of ${id} says nothing of it: leave out --imagenet.`,
    );
  }
  const { backbone, weights } = config.data;
  const network = buildBackbone(backbone, {});
  await loadBackboneWeights(network, backbone, weights, true);
  const plan = fusePlan(network);
  network.dispose();
  try {
    const head = readHead(await toGraphModel(plan, preprocess.size, 'float32'));
    if (head.channels === channels) return head;
    throw new TrainerError(
      'model_invalid',
      `Expected features of ${head.channels} channels, as ImageNet's classifier reads them, but ${id} has ${channels}: leave out --imagenet.`,
    );
  } finally {
    disposePlan(plan);
  }
}
