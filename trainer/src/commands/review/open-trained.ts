import type * as tf from '@tensorflow/tfjs';
import { photos } from '../../config/photos.ts';
import { cardConfig, type TrainConfig } from '../../config/train-config.ts';
import { toArtifacts } from '../../export/graph-builder.ts';
import { toGraphModel } from '../../export/graph-model.ts';
import { loadGraph, loadModel, type Network } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { runPlan } from '../../plan/run.ts';
import { loadRun } from '../../runs/load-run.ts';
import { readRunLog } from '../../runs/run-log.ts';
import { findModel, findRun } from '../options/find-model.ts';
import { usage } from '../options/option-values.ts';
import { trainedOn } from '../options/trained-on.ts';

/** A trained network and its recipe. */
export interface Trained {
  readonly config: TrainConfig;
  readonly isMultiLabel: boolean;
  /** Where an image may have several labels, what said which in training; undefined where its run is gone. */
  readonly labels: string | undefined;
  /** Of a model of several labels, one a label. */
  readonly thresholds?: readonly number[] | undefined;
  /** @param inputs preprocessed images; returns probabilities, both the caller's */
  run(inputs: tf.Tensor): tf.Tensor;
  /** Where the head has such maps, by the kernels that serve. */
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
  const found = await findModel(models, name);
  const { card, labels: _, multiLabel, ...network } = await loadModel(found);
  const config = cardConfig.safeParse(card.training?.config);
  if (config.success) {
    const labels = multiLabel && (await trainedOn(runs, found))?.labels;
    const several = { isMultiLabel: multiLabel !== undefined, thresholds: multiLabel?.thresholds };
    // A review trains nothing, so any recipe's stages will do.
    return { config: { ...photos, ...config.data }, ...network, ...several, labels };
  }
  network.dispose();
  throw usage(`Expected a model that was trained here, but the card of ${name} has no recipe.`);
}

async function openRun(directory: string): Promise<Trained> {
  const { network, config, labels, dispose } = await loadRun(directory);
  const plan = fusePlan(network);
  dispose();
  const graph = await loadGraph(toArtifacts(await toGraphModel(plan, config.size, 'float32')));
  const several = { isMultiLabel: labels !== undefined, labels };
  return {
    config,
    ...several,
    run: (inputs) => runPlan(plan, inputs),
    explain: graph.explain,
    dispose: () => {
      disposePlan(plan);
      graph.dispose();
    },
  };
}
