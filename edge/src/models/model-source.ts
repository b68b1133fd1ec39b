import type { Env } from '../env.ts';

/**
 * Reads a file of the models from the bucket, where one is bound, or else from the Worker's assets.
 *
 * @param path as in `index.json` or `imagenet/model.json`
 */
export function readModelFile(env: Env, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return env.MODELS ? readFromBucket(env.MODELS, path) : readAsset(env.ASSETS, path);
}

async function readFromBucket(bucket: R2Bucket, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await bucket.get(path);
  if (!object) throw new Error(`The bucket MODELS has no ${path}.`);
  return new Uint8Array(await object.arrayBuffer());
}

async function readAsset(assets: Fetcher, path: string): Promise<Uint8Array<ArrayBuffer>> {
  // The binding uses only the path, but needs a whole url.
  const response = await assets.fetch(`https://assets.local/models/${path}`);
  if (!response.ok)
    throw new Error(`The asset models/${path} could not be read: status ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
