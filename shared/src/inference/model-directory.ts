import type { io } from '@tensorflow/tfjs-core';
import { type ModelCard, modelCard } from '../contract/model-card.ts';
import * as z from '../contract/schema.ts';

/** A graph model as `tf.loadGraphModel` takes it, with its card. */
export interface ModelDirectory {
  readonly card: ModelCard;
  /** First 12 hexadecimal digits of the SHA-256 of `model.json`, which holds the weights' hash. */
  readonly version: string;
  readonly artifacts: io.ModelArtifacts;
}

// A graph has hundreds of nodes and weights. Plain code looks at the latter: zod would take longer than
// for all the rest. Who runs the graph looks at the nodes.
const weight = z.custom<io.WeightsManifestEntry>((value: unknown) => {
  if (!(value instanceof Object)) return false;
  const { name, shape, dtype } = value as Record<string, unknown>;
  const isShape =
    Array.isArray(shape) && shape.every((side) => Number.isInteger(side) && side >= 0);
  return isShape && typeof name === 'string' && (dtype === 'float32' || dtype === 'int32');
}, 'Invalid input: expected the name, shape and dtype of a weight');

const modelJson = z.object({
  modelTopology: z.looseObject({
    node: z.array(z.custom<object>((node) => node instanceof Object)),
  }),
  /** Not needed here, but by others who read the model. */
  signature: z.optional(z.looseObject({})),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string().check(z.regex(/^[\w-][\w.-]*$/, 'a file beside model.json'))),
      weights: z.array(weight),
    }),
  ),
  userDefinedMetadata: z.object({ card: modelCard }),
});

type ModelJson = z.infer<typeof modelJson>;

/** Reads a file of a model directory by its name, into a buffer of its own. */
export type ReadFile = (name: string) => Promise<Uint8Array<ArrayBuffer>>;

/** What a model directory says of itself, read without its weights. */
export interface ModelDescription extends Pick<ModelDirectory, 'card' | 'version'> {
  /** `model.json`, checked. As bytes, which take a tenth of what its objects do. */
  readonly json: Uint8Array<ArrayBuffer>;
}

/** @throws ZodError or SyntaxError when `model.json` is not one that the trainer wrote */
export async function readModelCard(read: ReadFile): Promise<ModelDescription> {
  const json = await read('model.json');
  const { card } = modelJson.parse(parseJson(json)).userDefinedMetadata;
  return { card, version: await versionOf(json), json };
}

/**
 * Reads the weight shards, which sit beside `model.json`, a buffer each: `weightData` is in pieces.
 *
 * @param description of the same directory
 */
export async function readArtifacts(
  { json }: ModelDescription,
  read: ReadFile,
): Promise<io.ModelArtifacts> {
  const { modelTopology, signature, weightsManifest, userDefinedMetadata } = parseJson(
    json,
  ) as ModelJson;
  const shards = await Promise.all(pathsOf(weightsManifest).map(read));
  return {
    modelTopology,
    ...(signature && { signature }),
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: shards.map((shard) => shard.buffer),
    userDefinedMetadata,
  };
}

/** The weight shards' names. */
export function artifactPaths({ json }: ModelDescription): string[] {
  return pathsOf((parseJson(json) as ModelJson).weightsManifest);
}

function pathsOf(manifest: ModelJson['weightsManifest']): string[] {
  return manifest.flatMap((group) => group.paths);
}

/** Both of it. @throws ZodError or SyntaxError as {@link readModelCard} does */
export async function readModelDirectory(read: ReadFile): Promise<ModelDirectory> {
  const description = await readModelCard(read);
  const { card, version } = description;
  return { card, version, artifacts: await readArtifacts(description, read) };
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @param bytes of `model.json` */
export async function versionOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
