import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ClassifyResponse,
  classifyResponse,
  type EmbedResponse,
  embedResponse,
} from 'shared/contract/responses';
import { createTestHarness, experimental_readRawConfig } from 'wrangler';

const edge = fileURLToPath(new URL('..', import.meta.url));

interface PostInit {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** The Worker in workerd with models of its own, and an image host for it to fetch from. */
export interface Served {
  fetch(
    path: string,
    init?: PostInit,
  ): Promise<{ json(): Promise<unknown>; text(): Promise<string> }>;
  /** Where a browser finds it. */
  readonly origin: string;
  /** Where the Worker may fetch a photo. */
  urlOf(photo: number): string;
  /** @param photo index in `photos` @param query parameters besides the url */
  classify(photo: number, query?: Readonly<Record<string, string>>): Promise<ClassifyResponse>;
  embed(photo: number, query?: Readonly<Record<string, string>>): Promise<EmbedResponse>;
  close(): Promise<void>;
}

/** A new folder for the files of a test. */
export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'graft-e2e-'));
}

/**
 * @param folder has `public/models`; it is deleted when the Worker stops
 * @param photos PNG files
 */
export async function serve(folder: string, photos: readonly Uint8Array[]): Promise<Served> {
  const imageHost = createServer((request, response) => {
    const photo = photos[Number(request.url?.slice(1))];
    response.writeHead(photo ? 200 : 404, { 'content-type': 'image/png' });
    response.end(photo);
  });
  await new Promise<void>((listening) => imageHost.listen(0, '127.0.0.1', listening));
  const { port } = imageHost.address() as AddressInfo;

  const worker = await startWorker(folder, 'src/index.ts');
  const { url } = await worker.listen();
  const urlOf = (photo: number) => `http://127.0.0.1:${port}/${photo}`;
  const ask = async (path: string, photo: number, query: Readonly<Record<string, string>> = {}) => {
    const search = new URLSearchParams({ ...query, url: urlOf(photo) });
    return (await worker.fetch(`${path}?${search}`)).json();
  };

  return {
    fetch: (...asked) => worker.fetch(...asked),
    origin: `${url}`,
    urlOf,
    classify: async (...asked) => classifyResponse.parse(await ask('/classify', ...asked)),
    embed: async (...asked) => embedResponse.parse(await ask('/embed', ...asked)),
    async close() {
      await worker.close();
      await new Promise((closed) => imageHost.close(closed));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type RawConfig = ReturnType<typeof experimental_readRawConfig>['rawConfig'];

/**
 * A configuration of the Worker for a file in another folder.
 *
 * @param main the entry, relative to `edge`
 */
export function withEntry(config: RawConfig, main: string): RawConfig {
  const aliases = Object.entries<string>(config.alias ?? {});
  return {
    ...config,
    main: join(edge, main),
    alias: Object.fromEntries(aliases.map(([name, path]) => [name, join(edge, path)])),
  };
}

type TestWorker = ReturnType<typeof createTestHarness>;

/**
 * Bundles a Worker like the deployed one, and starts it in workerd.
 *
 * @param main the entry, relative to `edge`
 * @param more configuration
 */
export async function startWorker(
  folder: string,
  main: string,
  { vars, ...more }: { readonly vars?: object; readonly r2_buckets?: readonly object[] } = {},
): Promise<TestWorker> {
  const { rawConfig } = experimental_readRawConfig({ config: join(edge, 'wrangler.jsonc') });
  const config = {
    ...withEntry(rawConfig, main),
    assets: { ...rawConfig.assets, directory: join(folder, 'public') },
    vars: { ALLOW_LOOPBACK: '1', ...vars },
    ...more,
  };
  await mkdir(join(folder, 'public'), { recursive: true });
  await writeFile(join(folder, 'wrangler.json'), JSON.stringify(config));
  const worker = createTestHarness({ root: folder, workers: [{ configPath: 'wrangler.json' }] });
  await worker.listen();
  return worker;
}
