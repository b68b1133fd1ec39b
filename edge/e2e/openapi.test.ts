import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { classifyResponse, modelsResponse } from 'shared/contract/responses';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import { makeFolder } from './serve.ts';

// A client is generated from the Worker's own API description, and calls the Worker.

const edge = fileURLToPath(new URL('..', import.meta.url));
const worker = createTestHarness({ root: edge, workers: [{ configPath: 'wrangler.jsonc' }] });
let folder: string;
let base: URL;
let description: Record<string, unknown>;

beforeAll(async () => {
  folder = await makeFolder();
  base = (await worker.listen()).url;
  description = (await (await worker.fetch('/openapi.json')).json()) as typeof description;
});

afterAll(async () => {
  await worker.close();
  await rm(folder, { recursive: true, force: true });
});

test('the description is valid and has every path', async () => {
  const validator = new Validator();
  expect(await validator.validate(description)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  expect(Object.keys(description['paths'] as object).toSorted()).toEqual([
    '/classify',
    '/classify/batch',
    '/embed',
    '/feedback',
    '/feedback/{id}',
    '/health',
    '/jobs',
    '/jobs/{id}',
    '/jobs/{id}/cancel',
    '/jobs/{id}/results',
    '/jobs/{id}/retry',
    '/models',
    '/models/{id}',
    '/similar',
  ]);
});

/** A function that the generator makes for an operation. */
type Operation = (options: Record<string, unknown>) => Promise<{
  readonly data?: unknown;
  readonly error?: { readonly code: string };
}>;

test('a generated client can call the Worker', async () => {
  await createClient({
    input: description,
    output: { path: folder, module: { extension: '.ts' } },
    plugins: ['@hey-api/client-fetch', '@hey-api/sdk', '@hey-api/typescript'],
    logs: { level: 'silent' },
  });
  const sdk: Record<string, Operation> = await import(
    pathToFileURL(join(folder, 'sdk.gen.ts')).href
  );
  const call = (name: string, options: Record<string, unknown> = {}): ReturnType<Operation> =>
    (sdk[name] as Operation)({ baseUrl: base.origin, ...options });

  const models = modelsResponse.parse((await call('listModels')).data);
  const { data: model } = await call('getModel', { path: { id: 'imagenet' } });
  expect(model).toMatchObject({ version: models.models[0]?.version, card: { id: 'imagenet' } });

  const photo = await readFile(new URL('../../shared/fixtures/coffee-224.png', import.meta.url));
  const query = { model: 'imagenet', top: 1 };
  const { data } = await call('classifyImage', { query, body: new Blob([photo]) });
  expect(classifyResponse.parse(data).predictions).toMatchObject([{ index: 967 }]);

  const { error } = await call('classifyUrl', { query: { url: 'http://10.0.0.1/' } });
  expect(error?.code).toBe('blocked_target');
});
