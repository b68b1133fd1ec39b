import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ModelCard, modelCard } from 'shared/contract/model-card';
import { type ModelsIndex, modelsIndex } from 'shared/inference/model-directory';
import { refuseOtherContent } from '../files/output-folder.ts';
import { replaceDirectory, writeFileAtomically } from '../files/write-atomically.ts';
import type { GraphModel } from './graph-builder.ts';
import { splitWeights, type WeightGroup } from './known-score.ts';

/** A size that browsers and Workers cache well, and that tfjs' converter uses. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** A card without the fields that are derived from the weights. */
export type CardDraft = Omit<ModelCard, 'weightsHash' | 'quantization'> & {
  readonly quantization: Omit<ModelCard['quantization'], 'bytes'>;
};

/**
 * Writes `model.json` and its weight shards. The directory is replaced atomically, as a whole.
 *
 * @returns the completed card
 * @throws TrainerError `disk_full`, `not_writable`
 */
export async function writeModelDirectory(
  directory: string,
  model: GraphModel,
  draft: CardDraft,
): Promise<ModelCard> {
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
  const files = { 'model.json': JSON.stringify(json), ...shards };
  await refuseOtherContent(directory);
  await replaceDirectory(directory, files);
  await listModel(directory);
  return card;
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

/** Adds the model to `index.json` beside its directory, which the Worker reads. */
async function listModel(directory: string): Promise<void> {
  const path = join(dirname(directory), 'index.json');
  const id = basename(directory);
  const index: ModelsIndex = await readFile(path, 'utf8').then(
    (text) => modelsIndex.parse(JSON.parse(text)),
    () => ({ default: id, models: [] }),
  );
  if (index.models.includes(id)) return;
  await writeFileAtomically(
    path,
    `${JSON.stringify({ ...index, models: [...index.models, id] })}\n`,
  );
}
