import { env } from 'cloudflare:workers';
import type { Candidate } from 'shared/contract/models-index';
import { classifyResponse, modelsResponse } from 'shared/contract/responses';
import { afterEach, beforeAll, expect, inject, type MockInstance, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { publishModel } from '../../test/publish-model.ts';
import { createApp } from '../app.ts';

// Two versions of cifar10; the candidate's labels are in the reverse order, so that it disagrees.

const host = inject('imageHost');
const app = createApp();
const { TEST_MODELS: MODELS } = env;
let current: string;
let candidate: string;

beforeAll(async () => {
  current = await publishModel((card) => {
    card.title = 'current';
  });
  candidate = await publishModel((card) => {
    card.labels = card.labels.toReversed();
  });
});

afterEach(() => vi.restoreAllMocks());

/** A bucket's index is read again after a minute. */
let now = Date.now();

async function tryOut(tried: Candidate | undefined): Promise<void> {
  const models = [current, candidate].map((version) => `cifar10@${version}`);
  const candidates = tried && { cifar10: tried };
  await MODELS.put('index.json', JSON.stringify({ default: 'cifar10', models, candidates }));
  now += 61_000;
  vi.spyOn(Date, 'now').mockReturnValue(now);
}

const image = `${host}/chelsea.jpg`;

async function classify(client: string, query: Record<string, string> = {}) {
  const init = { headers: { 'cf-connecting-ip': client } };
  const path = `/classify?${new URLSearchParams({ url: image, ...query })}`;
  const bindings = { MODELS, RATE_LIMITER: undefined } as unknown as { MODELS: R2Bucket };
  const response = await ask(app, path, init, bindings);
  expect(response.status).toBe(200);
  return {
    ...classifyResponse.parse(await response.json()),
    caching: response.headers.get('cache-control'),
  };
}

const clients = Array.from({ length: 40 }, (_, i) => `192.0.2.${i}`);

async function versionsByClient(): Promise<string[]> {
  const versions: string[] = [];
  for (const client of clients) versions.push((await classify(client)).model.version);
  return versions;
}

test('serves a candidate to its share of the clients, and each client one version', async () => {
  await tryOut({ version: candidate, share: 0.3 });
  const versions = await versionsByClient();
  const share = versions.filter((version) => version === candidate).length / clients.length;
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.5);
  expect(await versionsByClient()).toEqual(versions);
  // Caches that clients share would give one client the version of another.
  expect((await classify(clients[0] as string)).caching).toMatch(/^private/);

  // Who had it keeps it when the share grows.
  await tryOut({ version: candidate, share: 0.6 });
  const grown = await versionsByClient();
  expect(grown.filter((version, i) => version === current && versions[i] === candidate)).toEqual(
    [],
  );
});

test('gives all clients the version that they name', async () => {
  await tryOut({ version: candidate, share: 1 });
  const client = clients[0] as string;
  expect((await classify(client)).model.version).toBe(candidate);
  const named = await classify(client, { model: `cifar10@${current}` });
  expect(named.model.version).toBe(current);
  expect(named.caching).toMatch(/^public/);
});

test('a batch gets the same version as the single requests of its client', async () => {
  await tryOut({ version: candidate, share: 0.5 });
  for (const client of clients.slice(0, 4)) {
    const init = {
      method: 'POST',
      headers: { 'cf-connecting-ip': client, 'content-type': 'application/json' },
      body: JSON.stringify({ urls: [image] }),
    };
    const line = await (await ask(app, '/classify/batch', init, { MODELS })).json<{
      answer: { model: { version: string } };
    }>();
    expect(line.answer.model.version).toBe((await classify(client)).model.version);
  }
});

test('lists both versions, and the share of the candidate', async () => {
  await tryOut({ version: candidate, share: 0.3 });
  const response = await ask(app, '/models', {}, { MODELS });
  expect(modelsResponse.parse(await response.json()).models).toMatchObject([
    {
      version: current,
      versions: [current, candidate],
      candidate: { version: candidate, share: 0.3 },
    },
  ]);
});

test('goes on with the current version where the candidate is gone', async () => {
  await tryOut({ version: '000000000000', share: 1 });
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect((await classify(clients[0] as string)).model.version).toBe(current);
  expect(log).toHaveBeenCalled();
  const response = await ask(app, '/models', {}, { MODELS });
  expect(modelsResponse.parse(await response.json()).models[0]).not.toHaveProperty('candidate');
});

/** What the log has got of shadows, once there are so many lines: they come after the responses. */
function shadowLines(log: MockInstance, count: number): Promise<Record<string, unknown>[]> {
  return vi.waitFor(() => {
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    const found = lines.filter(({ event }) => event === 'shadow');
    expect(found).toHaveLength(count);
    return found;
  });
}

test('a shadow answers nobody, and the log says where it disagrees', async () => {
  await tryOut({ version: candidate, share: 1, shadow: true });
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const init = { method: 'POST', body: await (await fetch(image)).arrayBuffer() };
  const response = await ask(app, '/classify', init, { MODELS });
  const { model, predictions } = classifyResponse.parse(await response.json());
  expect(model.version).toBe(current);
  expect(await shadowLines(log, 1)).toEqual([
    {
      event: 'shadow',
      model: 'cifar10',
      agrees: false,
      served: {
        version: current,
        known: expect.any(Boolean),
        label: predictions[0]?.label,
        probability: predictions[0]?.probability,
      },
      candidate: {
        version: candidate,
        known: expect.any(Boolean),
        label: expect.any(String),
        probability: predictions[0]?.probability,
      },
    },
  ]);
});

test('a shadow that agrees says so, also of an image whose predictions are withheld', async () => {
  await tryOut({ version: current, share: 1, shadow: true });
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  for (const unknown of ['only', 'reject']) {
    const init = { headers: { 'cache-control': 'no-store' } };
    const path = `/classify?${new URLSearchParams({ url: `${host}/coffee.png`, unknown })}`;
    expect((await ask(app, path, init, { MODELS })).status).toBe(200);
  }
  const lines = await shadowLines(log, 2);
  expect(lines.map(({ agrees }) => agrees)).toEqual([true, true]);
});
