import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ModelCard, modelCard } from 'shared/model-card';
import { type ModelsIndex, modelsIndex } from 'shared/model-directory';
import { writeFileAtomically } from '../write-file-atomically.ts';
import type { GraphModel } from './graph-model.ts';

/** Also the piece that browsers and Workers cache well (tfjs' converter takes the same). */
const SHARD_BYTES = 4 * 1024 * 1024;

/** All of a card but what the weights themselves say. */
export type CardDraft = Omit<ModelCard, 'weightsHash' | 'quantization'> & {
  readonly quantization: ModelCard['quantization']['scheme'];
};

/**
 * Writes `model.json` and its weight shards. The whole directory appears at once, in place of
 * one that was there.
 *
 * @returns the finished card
 */
export async function writeModelDirectory(
  directory: string,
  model: GraphModel,
  draft: CardDraft,
): Promise<ModelCard> {
  const { weightData } = model;
  const count = Math.ceil(weightData.length / SHARD_BYTES);
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const card = modelCard.parse({
    ...draft,
    quantization: { scheme: draft.quantization, bytes: weightData.length },
    weightsHash: createHash('sha256').update(weightData).digest('hex'),
  });
  const temporary = `${directory}.${process.pid}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  for (const [index, path] of paths.entries()) {
    const shard = weightData.subarray(index * SHARD_BYTES, (index + 1) * SHARD_BYTES);
    await writeFile(join(temporary, path), shard);
  }
  const json = {
    format: 'graph-model',
    generatedBy: 'graft',
    modelTopology: model.topology,
    signature: model.signature,
    weightsManifest: [{ paths, weights: model.weightSpecs }],
    userDefinedMetadata: { card },
  };
  await writeFile(join(temporary, 'model.json'), JSON.stringify(json));
  await rm(directory, { recursive: true, force: true });
  await rename(temporary, directory);
  await listModel(directory);
  return card;
}

/** Adds the model to the `index.json` beside its directory, which the Worker reads. */
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
