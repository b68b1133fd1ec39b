import type * as tf from '@tensorflow/tfjs';
import { photos } from '../../config/photos.ts';
import { cardConfig, type TrainConfig } from '../../config/train-config.ts';
import { loadModel, type Network } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { runPlan } from '../../plan/run.ts';
import { loadRun } from '../../runs/load-run.ts';
import { readRunLog } from '../../runs/run-log.ts';
import { findModel, findRun } from '../options/find-model.ts';
import { usage } from '../options/option-values.ts';

/** A trained network and its recipe. */
export interface Trained {
  readonly config: TrainConfig;
  /** @param inputs preprocessed images; returns probabilities, both the caller's */
  run(inputs: tf.Tensor): tf.Tensor;
  /** Of a model with such a head, as it is served. */
  readonly explain?: Network['explain'];
  dispose(): void;
}

/**
 * Opens a run by the name of its folder, or else a model by its id.
 *
 * @param models folder of the models
 * @param runs folder of the runs
 * @throws TrainerError `model_invalid`, `checkpoint_invalid`, `config_invalid`
 */
export async function openTrained(name: string, models: string, runs: string): Promise<Trained> {
  const directory = await findRun(runs, name).catch(() => undefined);
  const log = directory && (await readRunLog(directory).catch(() => undefined));
  if (directory && log) return openRun(directory);
  const { card, ...network } = await loadModel(await findModel(models, name));
  const config = cardConfig.safeParse(card.training?.config);
  // A review trains nothing, so any recipe's stages will do.
  if (config.success) return { config: { ...photos, ...config.data }, ...network };
  network.dispose();
  throw usage(`Expected a model that was trained here, but the card of ${name} has no recipe.`);
}

async function openRun(directory: string): Promise<Trained> {
  const { network, config, dispose } = await loadRun(directory);
  const plan = fusePlan(network);
  dispose();
  return { config, run: (inputs) => runPlan(plan, inputs), dispose: () => disposePlan(plan) };
}
