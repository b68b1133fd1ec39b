import { configs } from './registry.ts';
import type { TrainConfig } from './train-config.ts';

/**
 * An experiment before its network is exchanged: the layers that a recipe freezes are those of its own network, and
 * pretrained, so they thaw.
 *
 * @param given the fields that will be replaced, by path
 */
export function forNetwork(
  config: TrainConfig,
  given: Readonly<Record<string, unknown>>,
): TrainConfig {
  const { backbone = config.backbone, weights = config.weights } = given;
  const isOwn = backbone === config.backbone && weights === config.weights;
  const isRecipes = config.freeze === configs[config.name]?.freeze;
  return isOwn || !isRecipes ? config : { ...config, freeze: 0 };
}
