import { env } from 'cloudflare:workers';
import type { ModelCard } from 'shared/contract/model-card';

type Card = { -readonly [Key in keyof ModelCard]: ModelCard[Key] };

/** Reads a file of `public/models`. */
export async function readAsset(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await env.ASSETS.fetch(`https://assets.local/models/${path}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Puts cifar10 into the bucket TEST_MODELS, with another card.
 *
 * @returns its version
 */
export async function publishModel(edit: (card: Card) => void): Promise<string> {
  const json = JSON.parse(new TextDecoder().decode(await readAsset('cifar10/model.json')));
  edit(json.userDefinedMetadata.card);
  const text = JSON.stringify(json);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const version = new Uint8Array(digest, 0, 6).toHex();
  await env.TEST_MODELS.put(`cifar10@${version}/model.json`, text);
  for (const path of json.weightsManifest.flatMap(({ paths }: { paths: string[] }) => paths)) {
    await env.TEST_MODELS.put(`cifar10@${version}/${path}`, await readAsset(`cifar10/${path}`));
  }
  return version;
}
