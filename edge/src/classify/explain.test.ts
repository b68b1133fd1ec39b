import { env } from 'cloudflare:workers';
import { type ClassifyResponse, classifyResponse, problem } from 'shared/contract/responses';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { publishModel, severalLabels } from '../../test/publish-model.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { withModel } from '../models/model.ts';
import { resolveModel } from '../models/models-index.ts';

const host = inject('imageHost');
const app = createApp();
const { TEST_MODELS: MODELS } = env;

afterEach(() => vi.restoreAllMocks());

async function classify(
  query: Record<string, string>,
  init: RequestInit = {},
  bindings: Partial<Env> = {},
): Promise<ClassifyResponse> {
  const response = await ask(app, `/classify?${new URLSearchParams(query)}`, init, bindings);
  expect(response.status).toBe(200);
  return classifyResponse.parse(await response.json());
}

const url = `${host}/chelsea.jpg`;

test.each([
  ['imagenet', 7],
  ['cifar10', 5],
])('explains the prediction of %s', async (model, side) => {
  const plain = await classify({ url, model });
  expect(plain).not.toHaveProperty('explanation');
  const { explanation, ...rest } = await classify({ url, model, explain: 'true' });
  expect(rest).toEqual(plain);
  expect(explanation).toMatchObject({
    label: plain.predictions[0]?.label,
    rows: side,
    columns: side,
  });
  expect(explanation?.values).toHaveLength(side * side);
  expect(new Set(explanation?.values).size).toBeGreaterThan(side);
});

test('explains an image that is sent, and one that JSON names', async () => {
  const image = await (await fetch(url)).arrayBuffer();
  const sent = await classify({ explain: 'true' }, { method: 'POST', body: image });
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, explain: true }),
  };
  const named = await classify({}, init);
  expect(named.explanation).toEqual(sent.explanation);
  expect(sent.explanation?.values).toHaveLength(49);
});

test('the mean of the map is the logit of its label, but for a constant', async () => {
  const { directory } = await resolveModel(env as Env, 'cifar10');
  await withModel(env as Env, directory, 1, ({ card, explain }) => {
    if (!explain) throw new Error('cifar10 has a pooled head.');
    const side = card.preprocess.size;
    const logitsApart = (seed: number) => {
      const input = Float32Array.from({ length: side * side * 3 }, (_, i) => Math.sin(i * seed));
      const { outputs, mapOf } = explain(input);
      const mean = (label: number) => {
        const { values } = mapOf(label);
        return values.reduce((sum, value) => sum + value, 0) / values.length;
      };
      // Differences of two labels' logits, from the map and from the probabilities.
      const apart = Math.log((outputs[3] as number) / (outputs[5] as number));
      return apart - (mean(3) - mean(5));
    };
    // First as it is, then recorded, then replayed; what is left is the difference of two biases.
    const biases = [0.1, 0.23, 0.37, 0.41].map(logitsApart);
    for (const bias of biases) expect(bias).toBeCloseTo(biases[0] as number, 1);
  });
});

/** @returns the names by which the bucket has them */
async function publishOtherHeads(): Promise<string[]> {
  return Promise.all(
    Object.entries(inject('otherHeads')).map(async ([id, files]) => {
      const json = Uint8Array.from(files['model.json'] ?? []);
      const digest = await crypto.subtle.digest('SHA-256', json);
      const name = `${id}@${new Uint8Array(digest, 0, 6).toHex()}`;
      for (const [file, bytes] of Object.entries(files))
        await MODELS.put(`${name}/${file}`, Uint8Array.from(bytes));
      return name;
    }),
  );
}

test('explains predictions of heads that flatten, convolve or have hidden layers', async () => {
  const models = await publishOtherHeads();
  await MODELS.put('index.json', JSON.stringify({ default: 'lenet5', models }));
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
  for (const name of models) {
    const query = { url, model: name };
    const plain = await classify(query, {}, { MODELS });
    const { explanation, ...rest } = await classify({ ...query, explain: 'true' }, {}, { MODELS });
    expect(rest).toEqual(plain);
    expect(explanation).toMatchObject({ rows: 5, columns: 5, label: plain.predictions[0]?.label });
    await withModel({ ...env, MODELS } as Env, name, 1, ({ card, explain }) => {
      const input = Float32Array.from({ length: card.preprocess.size ** 2 * 3 }, (_, i) =>
        Math.sin(i),
      );
      // As it is where the request has not loaded it, recorded, then replayed.
      const maps = [1, 2, 3].map(() => explain?.(input).mapOf(7).values ?? []);
      expect(new Set(maps[0]).size).toBeGreaterThan(5);
      for (const map of maps) expect(map).toEqual(maps[0]);
    });
  }
});

test('a model that ends in another way says that it cannot', async () => {
  const version = await publishModel((_, { modelTopology: { node } }) => {
    const logits = node.find(({ op }) => op === '_FusedMatMul');
    // The dense layer gets its features by way of an activation.
    const [features = '', ...others] = logits?.input ?? [];
    node.splice(
      node.findIndex(({ op }) => op === '_FusedMatMul'),
      0,
      {
        name: 'activation',
        op: 'Relu',
        input: [features],
      },
    );
    if (logits) logits.input = ['activation', ...others];
  });
  const models = [`cifar10@${version}`];
  await MODELS.put('index.json', JSON.stringify({ default: 'cifar10', models }));
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 122_000);
  const path = `/classify?${new URLSearchParams({ url, explain: 'true' })}`;
  const response = await ask(app, path, {}, { MODELS });
  expect(response.status).toBe(400);
  const { detail } = problem.parse(await response.json());
  expect(detail).toContain('cifar10 ends in another way; ask without explain.');
  expect(await classify({ url }, {}, { MODELS })).toHaveProperty('predictions.0.label', 'cat');
});

test('explains each prediction of a model of several labels, and none where there is none', async () => {
  const modelOf = async (threshold: number) => {
    const version = await publishModel(severalLabels(threshold));
    await MODELS.put(
      'index.json',
      JSON.stringify({ default: 'cifar10', models: [`cifar10@${version}`] }),
    );
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 200_000);
    return classify({ url, explain: 'true' }, {}, { MODELS });
  };
  const { predictions, explanation, explanations } = await modelOf(0.2);
  expect(predictions.length).toBeGreaterThan(1);
  expect(explanation).toBeUndefined();
  expect(explanations?.map(({ label }) => label)).toEqual(predictions.map(({ label }) => label));
  const [first, second] = explanations ?? [];
  expect(first?.values).toHaveLength(25);
  expect(second?.values).not.toEqual(first?.values);
  expect(await modelOf(1)).toMatchObject({ multiLabel: true, predictions: [], explanations: [] });
});
