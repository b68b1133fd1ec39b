import { expect, test } from 'vitest';
import card from '../../fixtures/model-card.json' with { type: 'json' };
import { classifyResponse, modelsResponse, problem } from './responses.ts';
import { classifyQuery, problemStatus } from './wire.ts';

const url = 'https://example.com/cat.jpg';

test('defaults to five predictions of the default model, of unknown images too', () => {
  expect(classifyQuery.parse({ url })).toEqual({ url, top: 5, unknown: 'only', explain: 'false' });
  expect(classifyQuery.parse({ url, model: 'pets', top: '7', unknown: 'reject' })).toEqual({
    url,
    model: 'pets',
    top: 7,
    unknown: 'reject',
    explain: 'false',
  });
});

test.each(['yes', '1', ''])('refuses explain=%s', (explain) => {
  expect(classifyQuery.safeParse({ url, explain }).success).toBe(false);
});

test.each(['1', '100'])('accepts top=%s', (top) => {
  expect(classifyQuery.parse({ url, top }).top).toBe(Number(top));
});

test.each(['0', '-1', '101', '1e9', '2.5', '', ' ', 'NaN', 'Infinity', 'five', '5;', '1,2'])(
  'refuses top=%s',
  (top) => {
    const { error } = classifyQuery.safeParse({ url, top });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['top']);
  },
);

test('refuses a query without a url, with two urls, or with an unknown parameter', () => {
  expect(classifyQuery.safeParse({}).error?.issues[0]?.path).toEqual(['url']);
  expect(classifyQuery.safeParse({ url: [url, url] }).error?.issues[0]?.path).toEqual(['url']);
  expect(classifyQuery.safeParse({ url, size: '9' }).error?.issues[0]?.code).toBe(
    'unrecognized_keys',
  );
});

test('limits a response to probabilities from 0 to 1 and known formats', () => {
  const response = {
    model: { id: 'pets', version: '0123456789ab' },
    image: { width: 4, height: 3, format: 'png', bytes: 80 },
    predictions: [{ label: 'cat', index: 0, probability: 1, synset: 'n02121808' }],
  };
  expect(classifyResponse.parse(response)).toEqual(response);
  const [cat] = response.predictions;
  const wrong = [
    { ...response, predictions: [{ ...cat, probability: 1.01 }] },
    { ...response, predictions: [{ ...cat, probability: Number.NaN }] },
    { ...response, image: { ...response.image, format: 'tiff' } },
    { ...response, image: { ...response.image, width: 0 } },
  ];
  expect(wrong.map((value) => classifyResponse.safeParse(value).success)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('lists a model with facts of its card', () => {
  const { id, title, accuracy } = card;
  const version = '0123456789ab';
  const numbers = { version, versions: [version], classes: 2, size: 128, bytes: 12 };
  const response = { default: id, models: [{ id, title, accuracy, ...numbers }] };
  expect(modelsResponse.parse(response)).toEqual(response);
  expect(modelsResponse.safeParse({ default: id, models: [{ id, title, accuracy }] }).success).toBe(
    false,
  );
});

test('every problem has a known code, and every code an error status', () => {
  const body = {
    type: 'about:blank',
    title: 'No such model',
    status: 404,
    detail: 'There is none.',
  };
  for (const code of Object.keys(problemStatus)) {
    expect(problem.safeParse({ ...body, code }).success, code).toBe(true);
  }
  expect(problem.safeParse({ ...body, code: 'teapot' }).success).toBe(false);
  for (const status of Object.values(problemStatus)) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  }
});
