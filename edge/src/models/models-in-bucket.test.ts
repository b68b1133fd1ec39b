import { env } from 'cloudflare:workers';
import { classifyResponse, modelsResponse } from 'shared/contract/responses';
import { beforeAll, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { publishModel, readAsset } from '../../test/publish-model.ts';
import { createApp } from '../app.ts';

const host = inject('imageHost');
const app = createApp();
const { TEST_MODELS: MODELS } = env;
const versions: string[] = [];

function listFirst(...directories: string[]): Promise<unknown> {
  const index = { default: 'cifar10', models: directories };
  return MODELS.put('index.json', JSON.stringify(index));
}

async function classify(model?: string): Promise<{ id: string; version: string }> {
  const query = new URLSearchParams({ url: `${host}/chelsea.jpg`, ...(model ? { model } : {}) });
  const response = await ask(app, `/classify?${query}`, {}, { MODELS });
  expect(response.status).toBe(200);
  return classifyResponse.parse(await response.json()).model;
}

beforeAll(async () => {
  for (const title of ['older', 'newer']) {
    const version = await publishModel((card) => {
      card.title = title;
    });
    versions.unshift(version);
  }
  await listFirst(...versions.map((version) => `cifar10@${version}`));
});

test('serves the models of the bucket, and none of the assets', async () => {
  const response = await ask(app, '/models', {}, { MODELS });
  const { models } = modelsResponse.parse(await response.json());
  expect(models).toMatchObject([
    { id: 'cifar10', title: 'newer', version: versions[0], versions, classes: 10 },
  ]);
  expect((await ask(app, '/models/imagenet', {}, { MODELS })).status).toBe(404);
});

test('classifies with the requested version, or else with the first', async () => {
  expect(await classify()).toEqual({ id: 'cifar10', version: versions[0] });
  expect(await classify('cifar10')).toEqual({ id: 'cifar10', version: versions[0] });
  expect(await classify(`cifar10@${versions[1]}`)).toEqual({ id: 'cifar10', version: versions[1] });
  const unknown = `/classify?url=${host}/chelsea.jpg&model=cifar10@000000000000`;
  expect((await ask(app, unknown, {}, { MODELS })).status).toBe(404);
});

test('rolls back within a minute when the index lists another version first', async () => {
  await listFirst(...versions.toReversed().map((version) => `cifar10@${version}`));
  expect((await classify()).version).toBe(versions[0]);
  const now = Date.now();
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now + 61_000);
  expect((await classify()).version).toBe(versions[1]);
  clock.mockRestore();
});

test('serves no model whose content does not match the version in its name', async () => {
  await MODELS.put('cifar10@000000000000/model.json', await readAsset('cifar10/model.json'));
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 200_000);
  await listFirst('cifar10@000000000000');
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const url = `/classify?url=${host}/coffee.png`;
  expect((await ask(app, url, {}, { MODELS })).status).toBe(500);
  log.mockRestore();
  clock.mockRestore();
});
