import { artifactPaths } from 'shared/inference/model-directory';
import type { Env } from '../env.ts';
import { readModelFile } from '../models/model-source.ts';
import { type ListedModel, loadModelCard } from '../models/models-index.ts';
import { type Job, type JobsEnv, keys } from './job.ts';

/**
 * Copies a model into the bucket of the jobs, from which the consumers read it: the next deployment may
 * serve another version, and a job keeps its own.
 */
export async function pinModel(env: JobsEnv, model: ListedModel): Promise<void> {
  const folder = keys.model(model);
  // It is written last.
  const card = `${folder}/model.json`;
  if (await env.JOBS.head(card)) return;
  for (const path of artifactPaths(model)) {
    const bytes = await readModelFile(env, `${model.directory}/${path}`);
    await env.JOBS.put(`${folder}/${path}`, bytes);
  }
  await env.JOBS.put(card, model.json);
}

/** The bindings with which a job's images are classified: its bucket has the models. */
export function withPinnedModels(env: JobsEnv): Env {
  return { ...env, MODELS: env.JOBS };
}

/** The model that a job keeps. */
export async function readPinnedModel(env: Env, { model }: Job): Promise<ListedModel> {
  const directory = keys.model(model);
  return { ...(await loadModelCard(env, directory)), id: model.id, directory };
}
