import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ModelCard, modelCard } from 'shared/contract/model-card';
import { splitReference } from 'shared/contract/models-index';
import { versionOf } from 'shared/inference/model-directory';
import { refuseOtherContent } from '../files/output-folder.ts';
import { replaceDirectory } from '../files/write-atomically.ts';
import { listModel, relistModel } from '../models/models-index.ts';
import type { GraphModel } from './graph-builder.ts';
import { splitWeights, type WeightGroup } from './known-score.ts';

/** A size that browsers and Workers cache well, and that tfjs' converter uses. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** A card without the fields that are derived from the weights. */
export type CardDraft = Omit<ModelCard, 'weightsHash' | 'quantization'> & {
  readonly quantization: Omit<ModelCard['quantization'], 'bytes'>;
};

/** A model that was written: its completed card, and where it is. */
export interface WrittenModel {
  readonly card: ModelCard;
  readonly directory: string;
}

/**
 * Writes `model.json` and its weight shards. The directory is replaced atomically, as a whole; one that is
 * named `id@version` gets the name of the new version.
 *
 * @param isCandidate writes the model beside the one of this directory, as `id@version`, which stays the
 *   current one
 * @throws TrainerError `disk_full`, `not_writable`
 */
export async function writeModelDirectory(
  directory: string,
  model: GraphModel,
  draft: CardDraft,
  isCandidate = false,
): Promise<WrittenModel> {
  const { weightData } = model;
  const groups = splitWeights(model)
    .filter(({ weightSpecs }) => weightSpecs.length > 0)
    .map(toShards);
  const card = modelCard.parse({
    ...draft,
    quantization: { ...draft.quantization, bytes: weightData.length },
    weightsHash: createHash('sha256').update(weightData).digest('hex'),
  });
  const json = {
    format: 'graph-model',
    generatedBy: 'graft',
    modelTopology: model.topology,
    signature: model.signature,
    weightsManifest: groups.map(({ paths, weights }) => ({ paths, weights })),
    userDefinedMetadata: { card },
  };
  const shards = Object.fromEntries(groups.flatMap(({ shards }) => shards));
  const text = JSON.stringify(json);
  const { id, version: former } = splitReference(basename(directory));
  const models = dirname(directory);
  const name = isCandidate || former ? `${id}@${await versionOf(Buffer.from(text))}` : id;
  const target = join(models, name);
  await refuseOtherContent(target);
  await replaceDirectory(target, { 'model.json': text, ...shards });
  if (former === undefined || isCandidate) await listModel(models, name, isCandidate);
  else if (target !== directory) {
    await relistModel(models, basename(directory), name);
    await rm(directory, { recursive: true, force: true });
  }
  return { card, directory: target };
}

/** A group of weights as files of at most the size of a shard. */
function toShards({ weightSpecs, weightData }: WeightGroup, group: number) {
  const count = Math.ceil(weightData.length / SHARD_BYTES);
  const shards = Array.from({ length: count }, (_, i) => {
    const begin = i * SHARD_BYTES;
    const path = `group${group + 1}-shard${i + 1}of${count}.bin`;
    return [path, weightData.subarray(begin, begin + SHARD_BYTES)] as const;
  });
  return { weights: weightSpecs, paths: shards.map(([path]) => path), shards };
}
