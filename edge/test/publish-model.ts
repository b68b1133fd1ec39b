import { env } from 'cloudflare:workers';
import type { ModelCard } from 'shared/contract/model-card';

type Card = { -readonly [Key in keyof ModelCard]: ModelCard[Key] };

/** Reads a file of `public/models`. */
export async function readAsset(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await env.ASSETS.fetch(`https://assets.local/models/${path}`);
  return new Uint8Array(await response.arrayBuffer());
}

interface ModelJson {
  readonly modelTopology: { readonly node: { name: string; op: string; input: string[] }[] };
  readonly weightsManifest: readonly { readonly paths: readonly string[] }[];
  readonly userDefinedMetadata: { readonly card: Card };
}

/**
 * Puts cifar10 into the bucket TEST_MODELS, with another card or graph.
 *
 * @returns its version
 */
export async function publishModel(edit: (card: Card, json: ModelJson) => void): Promise<string> {
  const file = await readAsset('cifar10/model.json');
  const json: ModelJson = JSON.parse(new TextDecoder().decode(file));
  edit(json.userDefinedMetadata.card, json);
  const text = JSON.stringify(json);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const version = new Uint8Array(digest, 0, 6).toHex();
  await env.TEST_MODELS.put(`cifar10@${version}/model.json`, text);
  for (const path of json.weightsManifest.flatMap(({ paths }) => paths)) {
    await env.TEST_MODELS.put(`cifar10@${version}/${path}`, await readAsset(`cifar10/${path}`));
  }
  return version;
}

/** For {@link publishModel}: a model of several labels an image, all of which have the same threshold. */
export function severalLabels(threshold: number): Parameters<typeof publishModel>[0] {
  return (card, { modelTopology: { node } }) => {
    for (const one of node) if (one.op === 'Softmax') one.op = 'Sigmoid';
    const { labels } = card;
    const measured = {
      ...{ f1Micro: 1, f1Macro: 1, exactMatch: 1, hamming: 0 },
      averagePrecision: labels.map(() => 1),
    };
    card.multiLabel = { thresholds: labels.map(() => threshold), images: 0, measured };
  };
}
