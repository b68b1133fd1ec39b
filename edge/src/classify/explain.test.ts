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

test('a model with another head says that it cannot', async () => {
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
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
  const path = `/classify?${new URLSearchParams({ url, explain: 'true' })}`;
  const response = await ask(app, path, {}, { MODELS });
  expect(response.status).toBe(400);
  const { detail } = problem.parse(await response.json());
  expect(detail).toContain('cifar10 has another; ask without explain.');
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
