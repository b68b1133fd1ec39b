import type { io } from '@tensorflow/tfjs-core';
import * as z from 'zod';
import { type ModelCard, modelCard } from './model-card.ts';

/** A graph model as `tf.loadGraphModel` takes it, with its card. */
export interface ModelDirectory {
  readonly card: ModelCard;
  /** First 12 hexadecimal digits of the SHA-256 of `model.json`, which holds the weights' hash. */
  readonly version: string;
  readonly artifacts: io.ModelArtifacts;
}

const weight = z.looseObject({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.enum(['float32', 'int32']),
});

const modelJson = z.object({
  modelTopology: z.looseObject({ node: z.array(z.looseObject({})) }),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string().regex(/^[\w-][\w.-]*$/, 'a file beside model.json')),
      weights: z.array(weight),
    }),
  ),
  userDefinedMetadata: z.object({ card: modelCard }),
});

/** Reads a file of a model directory by its name. */
export type ReadFile = (name: string) => Promise<Uint8Array<ArrayBuffer>>;

/** The card alone, and the version: `GET /models` needs no weights. */
export async function readModelCard(
  read: ReadFile,
): Promise<Pick<ModelDirectory, 'card' | 'version'>> {
  const bytes = await read('model.json');
  return { card: parseModelJson(bytes).userDefinedMetadata.card, version: await versionOf(bytes) };
}

/**
 * Reads `model.json` and its weight shards, which sit beside it.
 *
 * @throws ZodError or SyntaxError when `model.json` is not one that the trainer wrote
 */
export async function readModelDirectory(read: ReadFile): Promise<ModelDirectory> {
  const bytes = await read('model.json');
  const { modelTopology, weightsManifest, userDefinedMetadata } = parseModelJson(bytes);
  const shards = await Promise.all(weightsManifest.flatMap((group) => group.paths).map(read));
  const weightData = new Uint8Array(shards.reduce((sum, shard) => sum + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    weightData.set(shard, at);
    at += shard.length;
  }
  return {
    card: userDefinedMetadata.card,
    version: await versionOf(bytes),
    artifacts: {
      modelTopology,
      weightSpecs: weightsManifest.flatMap((group) => group.weights),
      weightData: weightData.buffer,
      userDefinedMetadata,
    },
  };
}

function parseModelJson(bytes: Uint8Array): z.infer<typeof modelJson> {
  return modelJson.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

async function versionOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `models/index.json`: the models that a Worker serves, and the one it takes by default. */
export const modelsIndex = z.strictObject({ default: z.string(), models: z.array(z.string()) });

export type ModelsIndex = z.infer<typeof modelsIndex>;
