import { createHash } from 'node:crypto';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { fileDecodersVersion } from '../datasets/decoding/decoders-version.ts';
import type { Part, Splits } from '../datasets/split.ts';
import { TrainerError } from '../errors.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { makeFolder } from '../files/make-folder.ts';
import { hashPlan } from '../plan/hash-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { readSafetensors, writeSafetensors } from '../weights/safetensors/safetensors.ts';
import type { FeatureShard, FeatureStore } from './features.ts';

/** Where several machines keep features together. It never throws. */
export interface SharedFeatures {
  /** Brings a file here, if it is there. */
  fetch(name: string, path: string): Promise<void>;
  store(name: string, path: string): Promise<void>;
}

interface CacheOptions {
  readonly folder?: string;
  readonly shared?: SharedFeatures | undefined;
}

/** Raise it when the same plan, images and decoders give different features. */
const VERSION = 2;
/** Above this size, the least recently used entries are removed. */
const MAX_BYTES = 4 * 1024 ** 3;

/** Everything that features depend on, except for the choice of images. */
export interface FeatureOrigin {
  /** Layers and weights up to the features. */
  readonly trunk: Plan;
  readonly preprocess: PreprocessSpec;
  readonly datasetHash: string;
  /** Backends round differently. */
  readonly backend: string;
}

/**
 * Features of frozen layers on disk, under a hash of everything that they depend on, so that a second or
 * resumed run need not compute them again.
 *
 * Each shard is a safetensors file with a hash of its values. The cache never stops a training: damaged
 * shards are computed again, and if the cache cannot be written, the training continues without it.
 */
export class FeatureCache {
  readonly #folder: string;
  readonly #origin: string;
  readonly #say: (line: string) => void;
  readonly #shared: SharedFeatures | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;
  #canWrite = true;

  private constructor(
    origin: string,
    say: (line: string) => void,
    { folder = join(cacheDirectory(), 'features'), shared }: CacheOptions,
  ) {
    this.#folder = folder;
    this.#origin = origin;
    this.#say = say;
    this.#shared = shared;
  }

  static async open(
    { trunk, preprocess, datasetHash, backend }: FeatureOrigin,
    say: (line: string) => void,
    options: CacheOptions = {},
  ): Promise<FeatureCache> {
    const origin = JSON.stringify({
      version: VERSION,
      decoders: await fileDecodersVersion(),
      trunk: await hashPlan(trunk),
      // In this order, whatever the caller's: the text is hashed.
      ...{ datasetHash, backend, preprocess },
    });
    return new FeatureCache(origin, say, options);
  }

  /** @param name of the split: parts of different sets may have the same indices */
  storeOf(name: keyof Splits, { indices }: Part): FeatureStore {
    const id = createHash('sha256')
      .update(JSON.stringify([this.#origin, name, indices]))
      .digest('hex');
    const entry = id.slice(0, 32);
    const nameOf = (shard: number) => `${entry}/${String(shard).padStart(4, '0')}.safetensors`;
    return {
      load: async (shard) =>
        (await this.#load(nameOf(shard))) ?? (await this.#loadShared(nameOf(shard))),
      save: (shard, features) => this.#save(nameOf(shard), features),
    };
  }

  /** Removes old entries, and reports what was read, written and kept. */
  async close(): Promise<void> {
    const kept = await makeRoom(this.#folder, MAX_BYTES);
    const parts = [
      this.#bytesRead > 0 && `${megabytes(this.#bytesRead)} read`,
      this.#bytesWritten > 0 && `${megabytes(this.#bytesWritten)} written`,
    ].filter(Boolean);
    if (parts.length === 0) return;
    this.#say(`Feature cache: ${parts.join(', ')}; ${megabytes(kept)} in ${this.#folder}.`);
  }

  async #loadShared(name: string): Promise<FeatureShard | undefined> {
    if (!this.#shared) return undefined;
    await this.#shared.fetch(name, join(this.#folder, name));
    return this.#load(name);
  }

  async #load(name: string): Promise<FeatureShard | undefined> {
    const path = join(this.#folder, name);
    try {
      const { metadata, tensors } = await readSafetensors(path);
      const features = tensors.get('features');
      if (!features || metadata['sha256'] !== hashOf(features)) throw new Error('wrong hash');
      this.#bytesRead += features.values.byteLength;
      const now = new Date();
      await utimes(dirname(path), now, now).catch(() => {});
      return features;
    } catch (error) {
      if (!isMissing(error))
        this.#say(`The features in ${path} are damaged; computing them again.`);
      return undefined;
    }
  }

  async #save(name: string, features: FeatureShard): Promise<void> {
    if (!this.#canWrite) return;
    const path = join(this.#folder, name);
    try {
      await writeSafetensors(path, {
        metadata: { sha256: hashOf(features) },
        tensors: new Map([['features', features]]),
      });
      this.#bytesWritten += features.values.byteLength;
      await this.#shared?.store(name, path);
    } catch (error) {
      this.#canWrite = false;
      const isFull = error instanceof TrainerError && error.code === 'disk_full';
      const reason = isFull ? 'the disk is full' : (error as Error).message;
      this.#say(`Features will not be cached for the next run: ${reason.replace(/\.$/, '')}.`);
    }
  }
}

function hashOf({ values }: FeatureShard): string {
  return createHash('sha256').update(values).digest('hex');
}

function isMissing(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  return cause?.code === 'ENOENT' || cause?.code === 'ENOTDIR';
}

/** Removes the least recently used entries until the rest fits. @returns bytes that are left */
async function makeRoom(folder: string, maxBytes: number): Promise<number> {
  await makeFolder(folder).catch(() => {});
  const entries = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => {
      const path = join(folder, name);
      const files = await readdir(path).catch(() => []);
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(join(path, file)).catch(() => undefined))?.size ?? 0),
      );
      const usedAt = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
      return { path, usedAt, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    }),
  );
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of entries.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (total <= maxBytes) break;
    await rm(path, { recursive: true, force: true });
    total -= bytes;
  }
  return total;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
